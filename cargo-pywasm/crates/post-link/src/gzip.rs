//! Compresses modules for transfer to a host.

use std::num::NonZero;

use anyhow::Context;
use zopfli::{Format, Options};

/// The number of compressor passes. Further passes are slower than the first and save less than
/// 0.1 % of a module.
const PASSES: NonZero<u64> = NonZero::<u64>::MIN;

/// Compresses a module. The header contains neither a time nor a name, so identical modules produce
/// identical bytes.
///
/// # Errors
/// When the compressor fails, which does not happen when it writes to memory.
pub fn gzip(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let options = Options { iteration_count: PASSES, ..Options::default() };
    zopfli::compress(options, Format::Gzip, module, &mut packed)
        .context("cannot compress the module")?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_modules_give_equal_bytes() {
        let module: Vec<u8> = (0..200_000_u32).map(|it| (it % 251) as u8).collect();
        let packed = gzip(&module).unwrap();
        assert_eq!(packed, gzip(&module).unwrap());
        // RFC 1952: method deflate, no flags, no time, best compression, Unix on every system.
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);
        let mut back = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_end(&mut reader, &mut back).unwrap();
        assert!(back == module);
    }
}
