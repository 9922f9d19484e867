//! The object file that tells Python the size of the host's stack.

use std::path::{Path, PathBuf};

use crate::Error;

/// The variable in libpython that contains the size. Its definition there is weak, so this one
/// replaces it.
const SYMBOL: &str = "pywasm_host_stack";
/// The name of the object file.
const FILE: &str = "pywasm-host-stack.o";
/// The smallest stack in which Python can start and run programs, in bytes.
const MINIMUM: u32 = 256 << 10;

/// Writes the object file into a directory and returns its path.
///
/// # Errors
/// When the stack is too small for Python, or the file cannot be written.
pub(crate) fn write(bytes: u32, dir: &Path) -> Result<PathBuf, Error> {
    if bytes < MINIMUM {
        return Err(Error::HostStack { bytes, minimum: MINIMUM });
    }
    let path = dir.join(FILE);
    std::fs::write(&path, object(bytes)).map_err(|error| Error::Write(path.clone(), error))?;
    Ok(path)
}

/// Returns a wasm object that defines the variable.
///
/// Source of the format: `Linking.md` in the tool conventions of WebAssembly.
fn object(bytes: u32) -> Vec<u8> {
    // The memory in which the variable is placed: a minimum of one page.
    let memory = [&[1][..], &text("env"), &text("__linear_memory"), &[2, 0, 1]].concat();
    // One active segment at address 0, which the linker relocates as a whole.
    let data = [&[1, 0, 0x41, 0, 0x0b, 4][..], &bytes.to_le_bytes()].concat();
    // One segment with an alignment of 2^2, and one defined symbol for its 4 bytes.
    let segments = [&[1][..], &text(".data.pywasm_host_stack"), &[2, 0]].concat();
    let symbols = [&[1, 1, 0][..], &text(SYMBOL), &[0, 0, 4]].concat();
    let linking =
        [&text("linking")[..], &[2], &section(5, &segments), &section(8, &symbols)].concat();
    [&b"\0asm\x01\0\0\0"[..], &section(2, &memory), &section(11, &data), &section(0, &linking)]
        .concat()
}

/// Encodes a section, or a subsection of `linking`.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id, length(content)], content].concat()
}

/// Encodes a string.
fn text(text: &str) -> Vec<u8> {
    [&[length(text.as_bytes())], text.as_bytes()].concat()
}

/// Encodes a length. All lengths in this file fit the first byte of an LEB128 number.
fn length(bytes: &[u8]) -> u8 {
    debug_assert!(bytes.len() < 0x80);
    bytes.len() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_one_byte() {
        // In a debug build, `length` panics otherwise.
        assert!(object(u32::MAX).ends_with(&[0, 0, 4]));
    }

    #[test]
    fn small_stacks_are_refused() {
        let error = write(65_536, Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("262144") && error.contains("host-stack"), "{error}");
    }
}
