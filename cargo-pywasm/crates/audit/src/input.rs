//! Reads the files to audit. The kind of a file is determined by its content, not by its name.

use std::io::Read;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_session::WithHint;
use pywasm_stubs::Object;

/// The content of a file.
#[derive(Debug)]
pub enum Content {
    /// A finished module.
    Module(Vec<u8>),
    /// A finished module from a gzip file: the decompressed bytes, and the size of the gzip file.
    Compressed(Vec<u8>, usize),
    /// A component, which contains modules.
    Component,
    /// A relocatable object.
    Object(Box<Object>),
    /// An archive of relocatable objects.
    Archive(Vec<Object>),
}

/// A file and its content.
#[derive(Debug)]
pub struct Input {
    /// The path that was passed to [`Input::read`].
    pub path: Utf8PathBuf,
    /// The content.
    pub content: Content,
}

/// The largest accepted size of a decompressed module in bytes.
const MAX_SIZE: u64 = 512 << 20;

/// How to extract the modules of a component.
pub(crate) const UNBUNDLE: &str =
    "extract the modules in it: `wasm-tools component unbundle --module-dir DIR FILE`";

const WASM: &[u8] = b"\0asm";
const ARCHIVE: &[u8] = b"!<arch>\n";
const THIN: &[u8] = b"!<thin>\n";
const GZIP: &[u8] = &[0x1f, 0x8b, 8];

impl Input {
    /// Reads a file. A relative path is resolved against `cwd`.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a module, object or archive.
    pub fn read(path: &Utf8Path, cwd: &Utf8Path) -> anyhow::Result<Self> {
        let bytes = fs_err::read(cwd.join(path))?;
        // Origins contain an archive's name without its directory.
        let content = Content::of(path.file_name().unwrap_or(path.as_str()), bytes)
            .with_context(|| format!("cannot read `{path}` as a module or an object"))?;
        Ok(Self { path: path.to_owned(), content })
    }

    /// Reads a finished module. A relative path is resolved against `cwd`.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a finished module.
    pub fn read_module(path: &Utf8Path, cwd: &Utf8Path) -> anyhow::Result<Vec<u8>> {
        let content = Self::read(path, cwd)?.content;
        content.into_module().with_context(|| format!("cannot use `{path}`"))
    }
}

impl Content {
    /// Determines what kind of file the bytes are, and reads them. `name` appears in messages and
    /// origins.
    ///
    /// # Errors
    /// When the bytes are not a module, object or archive.
    pub fn of(name: &str, bytes: Vec<u8>) -> anyhow::Result<Self> {
        if bytes.starts_with(GZIP) {
            let size = bytes.len();
            let module = decompress(&bytes, MAX_SIZE)?;
            return match Self::of(name, module)? {
                Self::Module(bytes) => Ok(Self::Compressed(bytes, size)),
                _ => anyhow::bail!("the compressed content is not a module"),
            };
        }
        if bytes.starts_with(ARCHIVE) || bytes.starts_with(THIN) {
            return Ok(Self::Archive(pywasm_stubs::members(name, &bytes)?));
        }
        if !bytes.starts_with(WASM) {
            anyhow::bail!("{}", describe(&bytes));
        }
        match bytes.get(4..8) {
            Some([1, 0, 0, 0]) if pywasm_wasm::is_relocatable(&bytes) => {
                Ok(Self::Object(Box::new(Object::read(name, &bytes)?)))
            }
            Some([1, 0, 0, 0]) => Ok(Self::Module(bytes)),
            Some([_, _, 1, 0]) => Ok(Self::Component),
            _ => anyhow::bail!("this WebAssembly file has an unknown version or is truncated"),
        }
    }

    /// Returns the bytes of a finished module.
    ///
    /// # Errors
    /// When the content is a component, an object or an archive.
    pub fn into_module(self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Module(bytes) | Self::Compressed(bytes, _) => Ok(bytes),
            Self::Component => Err(anyhow::anyhow!("this is a component, not a module"))
                .hint(|| UNBUNDLE.to_owned()),
            Self::Object(_) | Self::Archive(_) => {
                Err(anyhow::anyhow!("this is not a linked module"))
                    .hint(|| "link it first, for example with `cargo pywasm build`".to_owned())
            }
        }
    }
}

fn decompress(bytes: &[u8], limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limit + 1);
    reader.read_to_end(&mut content).context("the gzip data is malformed")?;
    anyhow::ensure!(
        content.len() as u64 <= limit,
        "the decompressed module is larger than {} MiB, which no host accepts",
        limit >> 20
    );
    Ok(content)
}

/// Describes bytes that are not WebAssembly.
fn describe(bytes: &[u8]) -> String {
    if let Some(machine) = pywasm_stubs::foreign_format(bytes) {
        return format!("this is {machine}");
    }
    match bytes {
        [] => "the file is empty",
        [b'(' | b';', ..] => "this is text; convert it with `wasm-tools parse`",
        _ => "this is not WebAssembly",
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
    fn content_is_recognized() {
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
    fn other_content_is_described() {
        let component = wat::parse_str("(component)").unwrap();
        assert!(matches!(Content::of("c", component).unwrap(), Content::Component));
        assert_eq!(refused(b""), "the file is empty");
        assert!(refused(b"\x7fELF\x02").contains("ELF"));
        assert!(refused(b"(module)").contains("this is text"));
        assert!(refused(b"\0asm\x07\0\0\0").contains("an unknown version"));
        assert!(refused(b"\0asm").contains("truncated"));
        assert!(refused(b"!<thin>\n").contains("thin"));
        assert!(refused(&gzip(b"text")).contains("not WebAssembly"));
        assert!(refused(&gzip(b"xxxxxxxxxxxxxx")[..12]).contains("malformed"));
    }

    #[test]
    fn decompressed_size_is_limited() {
        assert!(decompress(&gzip(&[0; 100]), 100).is_ok());
        assert!(decompress(&gzip(&[0; 101]), 100).is_err());
    }
}
