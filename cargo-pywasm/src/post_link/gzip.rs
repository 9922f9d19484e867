//! A module compressed, as hosts take it over the wire.

use std::io::Write;

use anyhow::Context;
use flate2::{Compression, GzBuilder};

/// The operating system "unknown" of a gzip header, so that every machine writes the same.
///
/// Source: RFC 1952, section 2.3.1.
const NO_SYSTEM: u8 = 255;

/// Compresses as well as gzip can, with neither time nor name in the header: the same module gives
/// the same bytes.
///
/// # Errors
/// Never, for it writes to memory; the interface of the library has one.
pub(crate) fn gzip(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let header = GzBuilder::new().mtime(0).operating_system(NO_SYSTEM);
    let mut writer = header.write(Vec::new(), Compression::best());
    writer.write_all(module).and_then(|()| writer.finish()).context("can't compress the module")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_module_gives_the_same_bytes_and_no_trace_of_the_machine() {
        let module: Vec<u8> = (0..200_000_u32).map(|it| (it % 251) as u8).collect();
        let packed = gzip(&module).unwrap();
        assert_eq!(packed, gzip(&module).unwrap());
        // RFC 1952: method deflate, no flags, no time, best compression, no system.
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        let mut back = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_end(&mut reader, &mut back).unwrap();
        assert!(back == module);
    }
}
