//! A module compressed, as hosts take it over the wire.

use std::num::NonZero;

use anyhow::Context;
use zopfli::{Format, Options};

/// Further passes take longer than the first and give less than 1 ‰ of a module.
const PASSES: NonZero<u64> = NonZero::<u64>::MIN;

/// Compresses as well as the format allows, with neither time nor name in the header: the same module
/// gives the same bytes.
///
/// # Errors
/// Never, for it writes to memory; the interface of the library has one.
pub(crate) fn gzip(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let options = Options { iteration_count: PASSES, ..Options::default() };
    zopfli::compress(options, Format::Gzip, module, &mut packed)
        .context("can't compress the module")?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_module_gives_the_same_bytes_and_no_trace_of_the_machine() {
        let module: Vec<u8> = (0..200_000_u32).map(|it| (it % 251) as u8).collect();
        let packed = gzip(&module).unwrap();
        assert_eq!(packed, gzip(&module).unwrap());
        // RFC 1952: method deflate, no flags, no time, best compression, Unix wherever it is made.
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
        let mut back = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_end(&mut reader, &mut back).unwrap();
        assert!(back == module);
    }
}
