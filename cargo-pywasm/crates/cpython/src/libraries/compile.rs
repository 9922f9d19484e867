//! Compiles libraries with make, all of them at the same time.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Digest, Library, OptLevel, libraries};
use sha2::{Digest as _, Sha256};

use super::fetch;
use super::select::{Provider, Selected};
use crate::build::{CompilerCache, Logs, Step, base_environment, compiler_cache, make_program};
use crate::headers::copy_headers;
use pywasm_store::fetch::Verified;
use pywasm_store::unpack::{Limits, unpack_tar};
use pywasm_store::{Bucket, Ctx};
use pywasm_toolchain::{Input, Toolchain};

/// The version of the compilation. It is incremented with each change to this module that changes the
/// bytes of a library.
const FORMAT: u32 = 1;

/// The flags of all libraries. Functions are hidden, because nothing outside of a wasm module calls
/// them.
const FLAGS: &str = "-DNDEBUG -fvisibility=hidden -w";

/// The prefix of the store keys of libraries.
const PREFIX: &str = "library-";

const MAKEFILE: &str = "libraries.mk";

/// A library that can be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compiled {
    /// The library.
    pub(crate) library: &'static Library,
    /// The path of the archive.
    pub(crate) archive: Utf8PathBuf,
    /// The directory of the headers.
    pub(crate) headers: Utf8PathBuf,
    /// The directory of the licence texts. `None` for an archive of the user.
    pub(crate) licenses: Option<Utf8PathBuf>,
    /// The digest of everything that the library depends on.
    pub(crate) digest: Digest,
    /// The file that the library was built from.
    pub(crate) input: Input,
}

/// Returns the selected libraries. Those that the store does not contain are compiled first.
///
/// # Errors
/// When sources cannot be fetched or a compiler fails.
pub(crate) fn compile(
    selected: &[Selected],
    toolchain: &Toolchain,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Compiled>> {
    let pinned = selected.iter().filter_map(|one| match one.provider {
        Provider::Pinned(level) => Some(Work { one, level, entry: entry(one, toolchain, ctx) }),
        Provider::Own { .. } => None,
    });
    let pinned: Vec<Work<'_>> = pinned.collect();
    if pinned.iter().any(|work| !work.entry.exists()) {
        let lock = ctx.store.lock("libraries", &ctx.reporter)?;
        // Another process may have compiled some of them while this process waited for the lock.
        let missing: Vec<_> = pinned.iter().filter(|work| !work.entry.exists()).collect();
        let pins: Vec<_> = missing.iter().map(|work| &work.one.library.source).collect();
        let sources = fetch::crates(&pins, ctx)?;
        let logs = Logs::fresh(&ctx.store.ensure(Bucket::Builds)?.join("libraries-logs"), &lock)?;
        compile_all(&missing, &sources, toolchain, &logs, ctx)?;
    }
    Ok(selected.iter().map(|one| compiled(one, toolchain, ctx)).collect())
}

/// A library to compile.
struct Work<'a> {
    one: &'a Selected,
    level: OptLevel,
    /// Its final directory.
    entry: Utf8PathBuf,
}

fn digest(one: &Selected, toolchain: &Toolchain) -> Digest {
    let text = format!("{FORMAT}\n{FLAGS}\n{}\n{}", toolchain.identity, one.digest());
    Digest::from_bytes(Sha256::digest(text).into())
}

fn entry(one: &Selected, toolchain: &Toolchain, ctx: &Ctx) -> Utf8PathBuf {
    let key = format!("{}{}", prefix(one.library), digest(one, toolchain).short());
    ctx.store.entry(Bucket::Builds, &key)
}

/// Returns the first part of the store keys of a library's compiled forms.
fn prefix(library: &Library) -> String {
    format!("{PREFIX}{}-{}-", library.name, library.version)
}

/// Returns true for the store key of a compiled library in a version that this tool does not use.
#[must_use]
pub fn is_outdated(key: &str) -> bool {
    key.starts_with(PREFIX) && !libraries().iter().any(|one| key.starts_with(&prefix(one)))
}

fn compiled(one: &Selected, toolchain: &Toolchain, ctx: &Ctx) -> Compiled {
    let (library, digest) = (one.library, digest(one, toolchain));
    match &one.provider {
        Provider::Pinned(_) => {
            let dir = entry(one, toolchain, ctx);
            let source = &library.source;
            Compiled {
                library,
                archive: dir.join(&library.archive),
                headers: dir.join("include"),
                licenses: Some(dir.join("licenses")),
                digest,
                input: Input {
                    file: source.file(),
                    sha256: source.sha256,
                    from: format!("crate {} {}", source.name, source.version),
                },
            }
        }
        Provider::Own { archive, headers, sha256, .. } => Compiled {
            library,
            archive: archive.clone(),
            headers: headers.clone(),
            licenses: None,
            digest,
            input: Input {
                file: library.archive.clone(),
                sha256: *sha256,
                from: archive.to_string(),
            },
        },
    }
}

fn compile_all(
    missing: &[&Work<'_>],
    sources: &[Verified],
    toolchain: &Toolchain,
    logs: &Logs,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let stage = ctx.store.stage(Bucket::Builds)?;
    let dir = stage.path();
    let cache = compiler_cache(ctx);
    let mut rules = String::from(".PHONY: all\nall:\n");
    for (work, source) in missing.iter().zip(sources) {
        let library = work.one.library;
        let place = dir.join(&library.name);
        for name in ["source", "objects", "out"] {
            fs_err::create_dir_all(place.join(name))?;
        }
        unpack_tar(source, &place.join("source"), 1, &Limits::default())?;
        for (name, text) in &library.own {
            fs_err::write(place.join("source").join(name), text)?;
        }
        rules.push_str(&rules_of(work, toolchain, cache.as_ref()));
    }
    fs_err::write(dir.join(MAKEFILE), rules)?;
    let names = missing.iter().map(|work| {
        let Library { name, version, .. } = work.one.library;
        format!("{name} {version}")
    });
    let jobs = ctx.jobs.get();
    let names = names.collect::<Vec<_>>().join(", ");
    ctx.reporter.status("Compiling", format!("{names} (-j{jobs})"));
    let make = make_program(ctx)?;
    let mut env = base_environment(&make);
    env.extend(cache.into_iter().flat_map(|cache| cache.env));
    let args = ["-f", MAKEFILE, &format!("-j{jobs}"), "all"].map(str::to_owned).into();
    Step { name: "make-libraries", program: make, args, env, cwd: dir.to_owned() }.run(logs)?;
    for work in missing {
        let library = work.one.library;
        let place = dir.join(&library.name);
        let (source, out) = (place.join("source"), place.join("out"));
        copy_headers(&source.join(&library.headers), &out.join("include"))?;
        fs_err::create_dir(out.join("licenses"))?;
        for file in &library.license_files {
            let file = source.join(file);
            let name = file.file_name().unwrap_or_default();
            fs_err::copy(&file, out.join("licenses").join(name))?;
        }
        let done = ctx.store.stage(Bucket::Builds)?;
        fs_err::rename(&out, done.path())?;
        done.commit(&work.entry)?;
    }
    Ok(())
}

/// Returns the make rules that compile one library into `<name>/out`.
fn rules_of(work: &Work<'_>, toolchain: &Toolchain, cache: Option<&CompilerCache>) -> String {
    let library = work.one.library;
    let name = &library.name;
    let (clang, sysroot) = (toolchain.clang(), toolchain.sysroot());
    let include = library.include.iter().map(|dir| format!(" -I{name}/source/{dir}"));
    let command = format!(
        "{}{clang} --target=wasm32-wasip1 --sysroot={sysroot} {} {FLAGS} \
         -ffile-prefix-map={name}/source=/usr/src/{name}{} {}",
        cache.map(|cache| format!("{} ", cache.program)).unwrap_or_default(),
        work.level.flag(),
        include.collect::<String>(),
        library.flags.join(" "),
    );
    let (mut rules, mut objects) = (String::new(), String::new());
    for file in library.c_files() {
        let stem = Utf8Path::new(&file).file_stem().unwrap_or_default();
        let object = format!("{name}/objects/{}", library.member(stem));
        rules.push_str(&format!(
            "{object}: {name}/source/{file}\n\t{command} -c -o $@ {name}/source/{file}\n"
        ));
        objects.push_str(&format!(" {object}"));
    }
    let archive = format!("{name}/out/{}", library.archive);
    let ar = toolchain.ar();
    format!("all: {archive}\n{archive}:{objects}\n\t{ar} qcsD $@{objects}\n{rules}")
}
