//! The limits of what an archive may become, and the reader that keeps them.

use std::cell::Cell;
use std::io::{self, Read};

use super::error::Refused;

/// What an archive may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression, of everything, written or not.
    pub max_bytes: u64,
    /// Entries, written or not.
    pub max_entries: u64,
    /// Bytes after decompression for each byte before, once [`Limits::FREE`] bytes have come.
    pub max_ratio: u64,
}

impl Limits {
    /// The ratio does not count for so little: a small file of zeros is no bomb.
    pub const FREE: u64 = 16 << 20;
    /// The largest archive that is used, a WASI SDK, unpacks to half a gigabyte;
    /// LLVM's packages to a quarter.
    pub const MAX_BYTES: u64 = 4 << 30;
    /// CPython's source has 5,000 files, a WASI SDK 6,000.
    pub const MAX_ENTRIES: u64 = 100_000;
    /// Source code in xz shrinks to a seventh, an index of packages to a tenth.
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

/// Headers of one entry (long names, PAX records) are read into memory: a megabyte
/// is 256 times the longest path.
pub(super) const MAX_HEADER: u64 = 1 << 20;

/// Why a [`Guarded`] reader stopped. Its `io::Error` passes through libraries that
/// know nothing of it; the cell keeps the reason.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    stop: Cell<Option<Stop>>,
    /// The end of the decompressed data was read.
    ended: Cell<bool>,
    /// Bytes that may still be read before the next entry begins.
    budget: Cell<Option<u64>>,
    /// Bytes that were given out so far.
    given: Cell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Bytes(u64),
    Ratio(u64),
    Header,
}

impl Verdict {
    /// From here on at most so many bytes may be read: `None` for no limit but the general ones.
    pub(super) fn set_budget(&self, budget: Option<u64>) {
        self.budget.set(budget);
    }

    /// Bytes that were given out so far.
    pub(super) fn given(&self) -> u64 {
        self.given.get()
    }

    /// Whether the data has come to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// The reason behind an error that came out of the reader or what lies above it.
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

/// Decompressed data, counted.
pub(super) struct Guarded<'a, R> {
    inner: R,
    /// Compressed bytes that were read so far.
    taken: &'a dyn Fn() -> u64,
    limits: &'a Limits,
    verdict: &'a Verdict,
}

impl<'a, R: Read> Guarded<'a, R> {
    pub(super) fn new(
        inner: R,
        taken: &'a dyn Fn() -> u64,
        limits: &'a Limits,
        verdict: &'a Verdict,
    ) -> Self {
        Self { inner, taken, limits, verdict }
    }

    fn check(&self) -> Result<(), Stop> {
        let given = self.verdict.given();
        if given > self.limits.max_bytes {
            return Err(Stop::Bytes(self.limits.max_bytes));
        }
        let fair = (self.taken)().saturating_mul(self.limits.max_ratio);
        if given > fair.saturating_add(Limits::FREE) {
            return Err(Stop::Ratio(self.limits.max_ratio));
        }
        Ok(())
    }
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stop = |stop| {
            self.verdict.stop.set(Some(stop));
            io::Error::other("a limit is reached")
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
        self.verdict.given.set(self.verdict.given() + count as u64);
        self.check().map_err(stop)?;
        Ok(count)
    }
}
