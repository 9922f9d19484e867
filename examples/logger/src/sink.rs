//! The destination of log text. This module is independent of Python.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

/// A buffered writer to stdout or a file. Close it before it is dropped, because the destructor of
/// `BufWriter` ignores write errors.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Standard output. Rust's standard library ignores writes to a closed stdout.
    Stdout(BufWriter<Stdout>),
    /// A file.
    File(BufWriter<File>),
    /// Closed: rejects writes.
    Closed,
}

impl Sink {
    /// Creates a sink for standard output.
    pub(crate) fn stdout() -> Self {
        Self::Stdout(BufWriter::new(io::stdout()))
    }

    /// Opens a file for appending, and creates it if it does not exist.
    pub(crate) fn append(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self::File(BufWriter::new(file)))
    }

    /// Writes text to the buffer. Returns `None` if the sink is closed.
    pub(crate) fn write(&mut self, text: &str) -> Option<io::Result<()>> {
        match self {
            Self::Stdout(out) => Some(out.write_all(text.as_bytes())),
            Self::File(out) => Some(out.write_all(text.as_bytes())),
            Self::Closed => None,
        }
    }

    /// Writes the buffer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
            Self::Closed => Ok(()),
        }
    }

    /// Writes the buffer and closes the sink, even if the write fails. A failed write is not
    /// retried.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Closed) {
            Self::Stdout(out) => finish(out),
            Self::File(out) => finish(out),
            Self::Closed => Ok(()),
        }
    }

    /// Returns true if the sink is closed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// Flushes a writer and drops it without the retry in `BufWriter`'s destructor.
fn finish<W: Write>(mut out: BufWriter<W>) -> io::Result<()> {
    let flushed = out.flush();
    let (mut inner, _unwritten) = out.into_parts();
    flushed.and_then(|()| inner.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that accepts the given number of bytes and then fails.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let accepted = bytes.len().min(self.0);
            self.0 -= accepted;
            Ok(accepted)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn failed_write_is_reported() {
        let mut out = BufWriter::new(Full(3));
        out.write_all(b"four").unwrap();
        let error = finish(out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn closed_sink_rejects_text_and_closes_again() {
        let mut sink = Sink::stdout();
        sink.close().unwrap();
        assert!(sink.write("x").is_none() && sink.is_closed());
        sink.close().unwrap();
    }
}
