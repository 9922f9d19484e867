//! Decompresses data. The format is detected from the first bytes.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::Refused;
use super::guard::{Guarded, Limits, Verdict};

/// The memory limit for decoding xz. Files compressed with the strongest preset need 65 MiB, and
/// Debian's largest packages need 100 MiB.
const XZ_MEMORY: u64 = 256 << 20;
/// The size of one read of a compressed file.
const BUFFER: usize = 256 * 1024;

/// A reader that counts its bytes. The count is shared, so that it is accessible while a decoder
/// owns the reader.
pub(super) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        (Self { inner, count: Arc::clone(&count) }, count)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Xz,
    Zstd,
}

fn format(start: &[u8]) -> Result<Format, Refused> {
    match start {
        [] => Err(Refused::UnknownFormat("empty")),
        [0x1f, 0x8b, ..] => Ok(Format::Gzip),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::Xz),
        // The magic number of a zstd frame, or of a skippable frame.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Format::Zstd),
        [b'B', b'Z', b'h', ..] => Err(Refused::UnknownFormat("a bzip2 archive")),
        [b'P', b'K', 3, 4, ..] => Err(Refused::UnknownFormat("a zip archive")),
        [b'<', ..] => Err(Refused::UnknownFormat("a web page")),
        _ => Ok(Format::Plain),
    }
}

/// Returns a reader of the decompressed data.
pub(super) fn decompressed<'r>(
    inner: impl Read + Send + 'r,
) -> Result<Box<dyn Read + Send + 'r>, Refused> {
    let mut input = BufReader::with_capacity(BUFFER, inner);
    let format = format(input.fill_buf().map_err(Refused::Read)?)?;
    Ok(match format {
        Format::Plain => Box::new(input),
        Format::Gzip => Box::new(MultiGzDecoder::new(input)),
        Format::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)
                .map_err(|error| Refused::Corrupt(error.to_string()))?;
            Box::new(XzDecoder::new_stream(input, stream))
        }
        Format::Zstd => Box::new(Zstd { input, frame: FrameDecoder::new(), open: false }),
    })
}

/// Decompresses a whole file.
pub(super) fn whole(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Refused> {
    let (counted, compressed) = Counted::new(bytes);
    let compressed = || compressed.load(Ordering::Relaxed);
    let verdict = Verdict::default();
    let mut out = Vec::new();
    Guarded::new(decompressed(counted)?, &compressed, limits, &verdict)
        .read_to_end(&mut out)
        .map_err(|error| verdict.reason(&error))?;
    Ok(out)
}

/// A decoder of any number of zstd frames, some of which may be skippable frames:
/// <https://www.rfc-editor.org/rfc/rfc8878#section-3.1>.
struct Zstd<R> {
    input: R,
    frame: FrameDecoder,
    open: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Opens the next frame. Returns false if there are no more frames.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.frame.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// Converts an error from the decoder, which does not distinguish truncated from corrupt input.
    fn failed(&mut self, error: &FrameDecoderError) -> io::Error {
        match self.input.fill_buf() {
            Ok([]) => io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()),
            Ok(_) => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
            Err(error) => error,
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.open {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.open = true;
            }
            if self.frame.can_collect() > 0 {
                return self.frame.read(buffer);
            }
            if self.frame.is_finished() {
                self.open = false;
                continue;
            }
            let blocks = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.frame.decode_blocks(&mut self.input, blocks) {
                return Err(self.failed(&error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    type Pack = fn(&[u8]) -> Vec<u8>;
    const PACKERS: [Pack; 3] = [gzip, xz, zstd];

    #[test]
    fn formats_are_detected_and_may_have_several_parts() {
        let limits = Limits::default();
        for pack in PACKERS {
            let twice = [pack(b"hello "), pack(b"world")].concat();
            assert_eq!(whole(&twice, &limits).unwrap(), b"hello world");
        }
        assert_eq!(whole(b"plain", &limits).unwrap(), b"plain");
        let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], &*zstd(b"x")].concat();
        assert_eq!(whole(&skippable, &limits).unwrap(), b"x");
    }

    #[test]
    fn truncated_and_corrupt_data_are_distinguished() {
        let text: Vec<u8> = (0..60_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        for pack in PACKERS {
            let whole_file = pack(&text);
            let cut = &whole_file[..whole_file.len() / 2];
            let truncated = whole(cut, &Limits::default()).unwrap_err();
            assert!(matches!(truncated, Refused::Truncated), "{truncated:?}");
            let garbage = [&*whole_file, b"garbage that is long enough"].concat();
            let refused = whole(&garbage, &Limits::default()).unwrap_err();
            assert!(matches!(refused, Refused::Corrupt(_)), "{refused:?}");
        }
    }

    #[test]
    fn bombs_are_stopped_by_size_and_ratio() {
        let zeros = vec![0; 40 << 20];
        for pack in [gzip, xz] {
            let bomb = pack(&zeros);
            let refused = whole(&bomb, &Limits::default()).unwrap_err();
            assert!(matches!(refused, Refused::TooDense(200)), "{refused}");
            let limits = Limits { max_bytes: 1 << 20, ..Limits::default() };
            let refused = whole(&bomb, &limits).unwrap_err();
            assert!(matches!(refused, Refused::TooManyBytes(_)), "{refused:?}");
        }
    }
}
