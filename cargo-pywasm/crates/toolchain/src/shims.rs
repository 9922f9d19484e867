//! Shims for shared libraries that LLVM's packages are linked with but that the compiler never
//! calls.
//!
//! Debian's libLLVM is linked with a line editor, a constraint solver and an XML parser, for
//! programs other than clang and lld. The real libraries would add 50 MB of packages, and finding
//! them would require `LD_LIBRARY_PATH`, whose value becomes invalid when the tree is moved. A shim
//! is a small library with the same name. It defines the same symbols, all as functions that trap.
//! The tools find the shim first, through their RUNPATH.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, Sym as _, VersionTable};
use object::{Endianness, ReadCache};
use pywasm_session::WithHint;
use pywasm_session::variables::PATH;
use pywasm_store::Ctx;

/// For each library that is replaced: the prefix of its file name, and the prefixes of the symbols
/// that its shim defines.
const SHIMMED: [(&str, &[&str]); 3] =
    [("libedit.so.", &["el_", "history"]), ("libz3.so.", &["Z3_"]), ("libxml2.so.", &["xml"])];

/// A symbol that a shim must define, with its version if it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Symbol {
    version: Option<String>,
    name: String,
}

/// Compiles the shims for the libLLVM of a tree into the tree's `lib` directory.
///
/// # Errors
/// When libLLVM cannot be read, or the machine has no C compiler.
pub(super) fn make(tree: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let lib = tree.join("lib");
    let Some(llvm) = lib
        .read_dir_utf8()?
        .filter_map(|entry| Some(entry.ok()?.into_path()))
        .find(|path| path.file_name().is_some_and(|name| name.starts_with("libLLVM")))
    else {
        return Ok(());
    };
    let (needed, undefined) = read(&llvm).with_context(|| format!("cannot read `{llvm}`"))?;
    for (name, prefixes) in SHIMMED {
        let Some(soname) = needed.iter().find(|it| it.starts_with(name)) else { continue };
        let symbols: Vec<Symbol> = undefined
            .iter()
            .filter(|symbol| prefixes.iter().any(|prefix| symbol.name.starts_with(prefix)))
            .cloned()
            .collect();
        compile(soname, &symbols, &lib, ctx)?;
    }
    Ok(())
}

/// Returns the libraries that a shared library needs, and its undefined symbols.
fn read(library: &Utf8Path) -> anyhow::Result<(Vec<String>, Vec<Symbol>)> {
    let cache = ReadCache::new(fs_err::File::open(library)?.into_parts().0);
    let header = FileHeader64::<Endianness>::parse(&cache)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, &cache)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();

    let mut needed = Vec::new();
    if let Some((entries, strings)) = sections.dynamic(endian, &cache)? {
        let strings = sections.strings(endian, &cache, strings)?;
        for entry in entries {
            use object::read::elf::Dyn as _;
            if entry.tag(endian) == object::elf::DT_NEEDED
                && let Some(offset) = entry.val32(endian)
                && let Ok(name) = strings.get(offset)
            {
                needed.push(text(name));
            }
        }
    }
    let symbols = sections.symbols(endian, &cache, object::elf::SHT_DYNSYM)?;
    let versions: Option<VersionTable<'_, _>> = sections.versions(endian, &cache)?;
    let mut undefined = Vec::new();
    for (index, symbol) in symbols.enumerate() {
        if !symbol.is_undefined(endian) || symbol.st_bind() != object::elf::STB_GLOBAL {
            continue;
        }
        let version = match &versions {
            Some(table) => {
                table.version(table.version_index(endian, index).index())?.map(|it| text(it.name()))
            }
            None => None,
        };
        undefined.push(Symbol { version, name: text(symbol.name(endian, symbols.strings())?) });
    }
    undefined.sort();
    undefined.dedup();
    Ok((needed, undefined))
}

/// Returns the C source of a shim, which defines every symbol as a function that traps.
fn source(symbols: &[Symbol]) -> String {
    symbols.iter().fold(String::new(), |mut text, symbol| {
        let _ = writeln!(text, "void {}(void) {{ __builtin_trap(); }}", symbol.name);
        text
    })
}

/// Returns a version script for the linker, which is empty if no symbol has a version.
fn version_script(symbols: &[Symbol]) -> String {
    let mut text = String::new();
    // The symbols are sorted by version.
    for group in symbols.chunk_by(|a, b| a.version == b.version) {
        if let Some(version) = &group[0].version {
            let names: Vec<&str> = group.iter().map(|symbol| symbol.name.as_str()).collect();
            let _ = writeln!(text, "{version} {{ global: {}; }};", names.join("; "));
        }
    }
    text
}

fn compile(soname: &str, symbols: &[Symbol], lib: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let cc = ctx
        .env
        .program("cc")
        .or_else(|| ctx.env.program("gcc"))
        .context("no C compiler (`cc`) on PATH")
        .hint(|| "install a C compiler (Debian: `apt install gcc libc6-dev`)".to_owned())?;
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::write(dir.join("shim.c"), source(symbols))?;
    let script = version_script(symbols);
    let mut command = Command::new(&cc);
    command
        .args(["-w", "-Os", "-shared", "-nostdlib", "-fno-builtin", "-s", "-o"])
        .arg(lib.join(soname))
        .arg(format!("-Wl,-soname,{soname}"))
        .arg("shim.c")
        .current_dir(&dir)
        .env_clear()
        .env(PATH, ctx.env.search_path())
        .env("LC_ALL", "C");
    if !script.is_empty() {
        fs_err::write(dir.join("shim.map"), script)?;
        command.arg("-Wl,--version-script=shim.map");
    }
    let output = command.output().with_context(|| format!("cannot run `{cc}`"))?;
    anyhow::ensure!(
        output.status.success(),
        "`{cc}` cannot compile the shim for {soname}:\n{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_grouped_by_version() {
        let symbol = |version: Option<&str>, name: &str| Symbol {
            version: version.map(str::to_owned),
            name: name.to_owned(),
        };
        let mut symbols = [
            symbol(Some("V_2"), "c"),
            symbol(Some("V_1"), "b"),
            symbol(None, "z"),
            symbol(Some("V_1"), "a"),
        ];
        symbols.sort();
        assert_eq!(version_script(&symbols), "V_1 { global: a; b; };\nV_2 { global: c; };\n");
        assert_eq!(source(&symbols[..1]), "void z(void) { __builtin_trap(); }\n");
    }
}
