//! What is audited: files, told apart by their content.

use std::io::Read;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_session::WithHint;
use pywasm_stubs::Object;

/// A file's content.
#[derive(Debug)]
pub enum Content {
    /// A finished module.
    Module(Vec<u8>),
    /// One that came compressed, and its size so.
    Compressed(Vec<u8>, usize),
    /// A relocatable object.
    Object(Box<Object>),
    /// An archive of those.
    Archive(Vec<Object>),
}

/// A file that was read.
#[derive(Debug)]
pub struct Input {
    /// Its path, as it was given.
    pub path: Utf8PathBuf,
    /// What it is.
    pub content: Content,
}

/// What a compressed module may unpack to. No host takes larger ones, and none of ours is.
const MOST: u64 = 512 << 20;

const WASM: &[u8] = b"\0asm";
const ARCHIVE: &[u8] = b"!<arch>\n";
const THIN: &[u8] = b"!<thin>\n";
const GZIP: &[u8] = &[0x1f, 0x8b, 8];

impl Input {
    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read, or is none of these: it says what it is instead.
    pub fn read(path: &Utf8Path, cwd: &Utf8Path) -> anyhow::Result<Self> {
        let bytes = fs_err::read(cwd.join(path))?;
        // Members are told by the archive's name; where it lies says nothing of them.
        let content = Content::of(path.file_name().unwrap_or(path.as_str()), bytes)
            .with_context(|| format!("`{path}` can't be read as a module or an object"))?;
        Ok(Self { path: path.to_owned(), content })
    }
}

impl Content {
    /// What bytes are; `name` is for messages.
    ///
    /// # Errors
    /// When they are none of these.
    pub fn of(name: &str, bytes: Vec<u8>) -> anyhow::Result<Self> {
        if bytes.starts_with(GZIP) {
            let size = bytes.len();
            let unpacked = unpacked(&bytes, MOST)?;
            return match Self::of(name, unpacked)? {
                Self::Module(bytes) => Ok(Self::Compressed(bytes, size)),
                _ => anyhow::bail!("what it has compressed is not a module"),
            };
        }
        if bytes.starts_with(ARCHIVE) || bytes.starts_with(THIN) {
            return Ok(Self::Archive(pywasm_stubs::members(name, &bytes)?));
        }
        if !bytes.starts_with(WASM) {
            anyhow::bail!("{}", what_else(&bytes));
        }
        match bytes.get(4..8) {
            Some([1, 0, 0, 0]) if pywasm_wasm::is_relocatable(&bytes) => {
                Ok(Self::Object(Box::new(Object::read(name, &bytes)?)))
            }
            Some([1, 0, 0, 0]) => Ok(Self::Module(bytes)),
            Some([_, _, 1, 0]) => {
                Err(anyhow::anyhow!("it is a component, not a module")).hint(|| {
                    "audit the modules in it: `wasm-tools component unbundle --module-dir DIR FILE`"
                        .to_owned()
                })
            }
            _ => anyhow::bail!("it is WebAssembly of a version that nobody knows, or cut off"),
        }
    }
}

fn unpacked(bytes: &[u8], most: u64) -> anyhow::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(most + 1);
    reader.read_to_end(&mut unpacked).context("it is broken gzip")?;
    anyhow::ensure!(
        unpacked.len() as u64 <= most,
        "it unpacks to more than {} MiB, which no host takes",
        most >> 20
    );
    Ok(unpacked)
}

fn what_else(bytes: &[u8]) -> String {
    if let Some(machine) = pywasm_stubs::foreign_format(bytes) {
        return format!("it is {machine}");
    }
    match bytes {
        [] => "it is empty",
        [b'(' | b';', ..] => "it is text: `wat2wasm` or `wasm-tools parse` makes a module of it",
        _ => "it is not WebAssembly",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn refused(bytes: &[u8]) -> String {
        format!("{:#}", Content::of("x", bytes.to_vec()).unwrap_err())
    }

    #[test]
    fn files_are_told_by_what_is_in_them() {
        let module = wat::parse_str("(module)").unwrap();
        assert!(matches!(Content::of("m", module.clone()).unwrap(), Content::Module(_)));
        let size = gzip(&module).len();
        let compressed = Content::of("m", gzip(&module)).unwrap();
        assert!(
            matches!(compressed, Content::Compressed(bytes, of) if bytes == module && of == size)
        );
        let object = pywasm_stubs::macros()[0].object();
        assert!(matches!(Content::of("o", object).unwrap(), Content::Object(_)));
        let archive = pywasm_stubs::archive(&[]);
        assert!(
            matches!(Content::of("a", archive).unwrap(), Content::Archive(members) if members.is_empty())
        );
    }

    #[test]
    fn what_is_none_of_them_is_told_in_a_line() {
        let component = wat::parse_str("(component)").unwrap();
        assert!(refused(&component).contains("a component, not a module"));
        assert_eq!(refused(b""), "it is empty");
        assert!(refused(b"\x7fELF\x02").contains("ELF"));
        assert!(refused(b"(module)").contains("it is text"));
        assert!(refused(b"\0asm\x07\0\0\0").contains("a version that nobody knows"));
        assert!(refused(b"\0asm").contains("cut off"));
        assert!(refused(b"!<thin>\n").contains("thin"));
        assert!(refused(&gzip(b"text")).contains("not WebAssembly"));
        assert!(refused(&gzip(b"xxxxxxxxxxxxxx")[..12]).contains("broken gzip"));
    }

    #[test]
    fn a_small_file_does_not_become_a_large_one() {
        assert!(unpacked(&gzip(&[0; 100]), 100).is_ok());
        assert!(unpacked(&gzip(&[0; 101]), 100).is_err());
    }
}
