//! The undefined symbols of libpython, and the stubs that a recipe declares for them.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Recipe;
use pywasm_stubs::{Closure, Link, Member, Rules, TrapReporter};

use super::step::{Logs, Step};
use pywasm_audit::report::{Audited, Format, Style, report};
use pywasm_audit::{self as audit, Policy};
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_toolchain::Toolchain;

/// The WASI emulation libraries that CPython's build links.
const EMULATED: [&str; 3] = ["signal", "getpid", "process-clocks"];

/// The makefile definition that links the stubs into the interpreter.
const RULES: &str = "SYSLIBS += pywasm-stubs.a\n";
/// The makefile that contains [`RULES`].
const MAKEFILE: &str = "pywasm-stubs.mk";
const ARCHIVE: &str = "pywasm-stubs.a";

/// Returns the paths of the WASI emulation libraries in the sysroot.
pub(crate) fn emulated(toolchain: &Toolchain) -> impl Iterator<Item = Utf8PathBuf> {
    let lib = toolchain.lib_dir();
    EMULATED.into_iter().map(move |name| lib.join(format!("libwasi-emulated-{name}.a")))
}

/// Returns a [`Link`] that includes all members of these archives, and the members that they need
/// from the sysroot's libraries.
///
/// # Errors
/// When an archive or a library cannot be read.
fn link_set(whole: &[&Utf8Path], toolchain: &Toolchain) -> anyhow::Result<Link> {
    let mut link = Link::new();
    for path in whole {
        let name = path.file_name().unwrap_or(path.as_str());
        // The prefix only distinguishes the file from CPython's make targets, so messages omit it.
        link.whole_archive(name.trim_start_matches("pywasm-"), &fs_err::read(path)?)?;
    }
    let mut lazy: Vec<Utf8PathBuf> = emulated(toolchain).collect();
    lazy.push(toolchain.builtins()?);
    lazy.extend(["libc.a", "libm.a"].map(|name| toolchain.lib_dir().join(name)));
    for path in lazy {
        link.archive(path.file_name().unwrap_or(path.as_str()), &fs_err::read(&path)?)?;
    }
    Ok(link)
}

/// Writes the stubs that libpython needs into the build directory, where make links them. Returns
/// the path of the stubs' archive, or `None` if no stub is needed.
///
/// # Errors
/// When the recipe declares no stub for an undefined symbol, when a stub is refused, or when a shim
/// does not compile.
pub(super) fn write(
    recipe: &Recipe,
    archives: &[&Utf8Path],
    toolchain: &Toolchain,
    (dir, logs): (&Utf8Path, &Logs),
    ctx: &Ctx,
) -> anyhow::Result<Option<Utf8PathBuf>> {
    let link = link_set(archives, toolchain)?;
    let closure = link.closure();
    let rules = Rules::from_table(&recipe.stubs).context("`[stubs]`")?;
    let found = pywasm_stubs::stubs(&link, &closure, &rules, None);
    let found = found.map_err(|refused| {
        let lines: Vec<String> = refused.iter().map(|it| format!("  {it}")).collect();
        anyhow::anyhow!("`[stubs]` of recipe `{}`:\n{}", recipe.name, lines.join("\n"))
    })?;
    if let [first, ..] = &found.unmatched[..] {
        return Err(missing(&closure, &found.unmatched)).hint(|| {
            format!(
                "if programs work without `{first}`, add `{first} = \"trap\"` to `[stubs]` in \
                 the recipe"
            )
        });
    }
    for pattern in &found.unused_patterns {
        let name = &recipe.name;
        ctx.reporter
            .warn(format!("`[stubs]` of recipe `{name}`: no undefined symbol matches `{pattern}`"));
    }
    if found.stubs.is_empty() {
        return Ok(None);
    }
    let mut shims = Vec::new();
    for (name, source) in found.shims() {
        shims.push(shim(name, source, toolchain, dir, logs)?);
    }
    ctx.reporter.status("Stubbing", format!("{} symbols", found.stubs.len()));
    let archive = dir.join(ARCHIVE);
    fs_err::write(&archive, found.archive(TrapReporter::Wasi, shims))?;
    fs_err::write(dir.join(MAKEFILE), RULES)?;
    Ok(Some(archive))
}

/// Returns an error that contains the audit's report on these symbols. The report shows the objects
/// that need them, and a remedy.
fn missing(closure: &Closure, left: &[String]) -> anyhow::Error {
    let undefined = closure.undefined.iter().filter(|it| left.contains(&it.name));
    let closure = Closure { undefined: undefined.cloned().collect(), ..Closure::default() };
    let findings = audit::link(&closure, &Policy::default());
    let one = Audited::new("libpython", audit::DEFAULT, findings);
    let text = report(&[one], Format::Human, Style::default());
    anyhow::anyhow!("libpython has undefined symbols:\n{}", text.trim_end())
}

fn shim(
    name: &str,
    source: &str,
    toolchain: &Toolchain,
    dir: &Utf8Path,
    logs: &Logs,
) -> anyhow::Result<Member> {
    let (file, object) = (format!("pywasm-shim-{name}.c"), format!("pywasm-shim-{name}.o"));
    fs_err::write(dir.join(&file), source)?;
    let mut args: Vec<String> =
        ["--target=wasm32-wasip1", "-O2", "-Wall", "-Werror", "-c"].map(str::to_owned).into();
    args.extend([file, "-o".to_owned(), object.clone()]);
    Step {
        name: "compile-shim",
        program: toolchain.clang(),
        args,
        env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        cwd: dir.to_owned(),
    }
    .run(logs)?;
    let bytes = fs_err::read(dir.join(&object))?;
    Ok(Member { name: object, bytes })
}
