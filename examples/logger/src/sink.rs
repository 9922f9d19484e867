//! Where the text goes. Knows no Python.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

/// A buffer before stdout or a file. It writes what it holds when it is closed, not when it is
/// dropped: then nobody would hear of a failure.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Standard output. One that is closed takes everything and keeps nothing: Rust's std sees to
    /// that.
    Stdout(BufWriter<Stdout>),
    /// A file.
    File(BufWriter<File>),
    /// Nothing any more.
    Closed,
}

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self::Stdout(BufWriter::new(io::stdout()))
    }

    /// The end of a file, which is made when it is missing.
    pub(crate) fn append(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self::File(BufWriter::new(file)))
    }

    /// Adds text; `None` when nothing can be added any more.
    pub(crate) fn write(&mut self, text: &str) -> Option<io::Result<()>> {
        match self {
            Self::Stdout(out) => Some(out.write_all(text.as_bytes())),
            Self::File(out) => Some(out.write_all(text.as_bytes())),
            Self::Closed => None,
        }
    }

    /// Hands on what is held.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
            Self::Closed => Ok(()),
        }
    }

    /// Hands on what is held, and lets go even when that fails: what could not be written once is
    /// not tried again behind the caller's back.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Closed) {
            Self::Stdout(out) => finished(out),
            Self::File(out) => finished(out),
            Self::Closed => Ok(()),
        }
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

/// `BufWriter` tries again when it is dropped; its parts don't.
fn finished<W: Write>(mut out: BufWriter<W>) -> io::Result<()> {
    let flushed = out.flush();
    let (mut inner, _unwritten) = out.into_parts();
    flushed.and_then(|()| inner.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes and no more.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_can_not_be_written_is_told_once() {
        let mut out = BufWriter::new(Full(3));
        out.write_all(b"four").unwrap();
        let error = finished(out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_closed_sink_takes_nothing_and_closes_again() {
        let mut sink = Sink::stdout();
        sink.close().unwrap();
        assert!(sink.write("x").is_none() && sink.is_closed());
        sink.close().unwrap();
    }
}
