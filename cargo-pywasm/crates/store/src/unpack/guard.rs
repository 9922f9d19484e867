//! The limits for unpacking, and the reader that enforces them.

use std::cell::Cell;
use std::io::{self, Read};

use super::error::Refused;

/// The limits for one archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of decompressed bytes, including those of entries that are left out.
    pub max_bytes: u64,
    /// The maximum number of entries, including those that are left out.
    pub max_entries: u64,
    /// The maximum ratio of decompressed to compressed bytes. The first [`Limits::FREE`]
    /// decompressed bytes are not counted.
    pub max_ratio: u64,
}

impl Limits {
    /// The number of decompressed bytes to which the ratio does not apply, because a small file of
    /// zeros is not a decompression bomb.
    pub const FREE: u64 = 16 << 20;
    /// The default of `max_bytes`. The largest archive in use, a WASI SDK, unpacks to half a
    /// gigabyte.
    pub const MAX_BYTES: u64 = 4 << 30;
    /// The default of `max_entries`. CPython's source has 5,000 files, and a WASI SDK has 6,000.
    pub const MAX_ENTRIES: u64 = 100_000;
    /// The default of `max_ratio`. Source code compressed with xz has a ratio of 7, and a package
    /// index has a ratio of 10.
    pub const MAX_RATIO: u64 = 200;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: Self::MAX_BYTES,
            max_entries: Self::MAX_ENTRIES,
            max_ratio: Self::MAX_RATIO,
        }
    }
}

/// The maximum size of the headers of one entry (long names, PAX records), which are read into
/// memory. The longest path on Linux is 4 KiB.
pub(super) const MAX_HEADER: u64 = 1 << 20;

/// The state of a [`Guarded`] reader. It is shared with the code that unpacks the data, because the
/// tar and decompression libraries do not preserve the reason for an `io::Error`.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    stop: Cell<Option<Stop>>,
    /// True once the end of the decompressed data has been read.
    ended: Cell<bool>,
    /// The number of bytes that may still be read before the next entry, or `None` if there is no
    /// limit.
    budget: Cell<Option<u64>>,
    /// The number of decompressed bytes read so far.
    read: Cell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Bytes(u64),
    Ratio(u64),
    Header,
}

impl Verdict {
    /// Limits the number of bytes that may be read from now on. `None` removes the limit.
    pub(super) fn set_budget(&self, budget: Option<u64>) {
        self.budget.set(budget);
    }

    /// Returns the number of decompressed bytes read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    /// Returns true once the end of the data has been read.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Returns the reason for an error that the reader, or a library that uses the reader,
    /// returned.
    pub(super) fn reason(&self, error: &io::Error) -> Refused {
        match self.stop.get() {
            Some(Stop::Bytes(limit)) => Refused::TooManyBytes(limit),
            Some(Stop::Ratio(limit)) => Refused::TooDense(limit),
            Some(Stop::Header) => Refused::HugeHeader(MAX_HEADER),
            None if self.ended.get() || error.kind() == io::ErrorKind::UnexpectedEof => {
                Refused::Truncated
            }
            None => Refused::Corrupt(error.to_string()),
        }
    }
}

/// A reader of decompressed data that enforces the limits.
pub(super) struct Guarded<'a, R> {
    inner: R,
    /// A function that returns the number of compressed bytes read so far.
    compressed: &'a dyn Fn() -> u64,
    limits: &'a Limits,
    verdict: &'a Verdict,
}

impl<'a, R: Read> Guarded<'a, R> {
    pub(super) fn new(
        inner: R,
        compressed: &'a dyn Fn() -> u64,
        limits: &'a Limits,
        verdict: &'a Verdict,
    ) -> Self {
        Self { inner, compressed, limits, verdict }
    }

    fn check(&self) -> Result<(), Stop> {
        let read = self.verdict.bytes_read();
        if read > self.limits.max_bytes {
            return Err(Stop::Bytes(self.limits.max_bytes));
        }
        let allowed = (self.compressed)().saturating_mul(self.limits.max_ratio);
        if read > allowed.saturating_add(Limits::FREE) {
            return Err(Stop::Ratio(self.limits.max_ratio));
        }
        Ok(())
    }
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stop = |stop| {
            self.verdict.stop.set(Some(stop));
            io::Error::other("a limit was exceeded")
        };
        let budget = self.verdict.budget.get();
        if budget == Some(0) && !buffer.is_empty() {
            return Err(stop(Stop::Header));
        }
        let most = budget.map_or(buffer.len(), |budget| {
            usize::try_from(budget).unwrap_or(usize::MAX).min(buffer.len())
        });
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            self.verdict.ended.set(true);
        }
        if let Some(budget) = budget {
            self.verdict.budget.set(Some(budget - count as u64));
        }
        self.verdict.read.set(self.verdict.bytes_read() + count as u64);
        self.check().map_err(stop)?;
        Ok(count)
    }
}
