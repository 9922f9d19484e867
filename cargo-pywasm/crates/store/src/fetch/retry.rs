//! Retries of failed requests.

use std::time::Duration;

use super::error::{Failure, FetchError};

/// The pauses between requests to one location.
#[derive(Clone, Debug)]
pub struct Retries {
    /// The pauses before the retries. There are as many retries as pauses.
    pub pauses: Vec<Duration>,
    /// The longest `Retry-After` that is honoured.
    pub longest: Duration,
}

impl Default for Retries {
    /// Returns four retries within eight seconds. This gives a server time to restart, but does not
    /// delay the attempt at the next location for long.
    fn default() -> Self {
        let pauses = [500, 1_000, 2_000, 4_000].map(Duration::from_millis).to_vec();
        Self { pauses, longest: Duration::from_secs(30) }
    }
}

impl Retries {
    /// Creates `count` retries without pauses, for tests.
    #[must_use]
    pub fn without_pauses(count: usize) -> Self {
        Self { pauses: vec![Duration::ZERO; count], longest: Duration::ZERO }
    }

    /// Returns the pause after failure number `failed`, counted from 0, or `None` to give up.
    fn pause(&self, failed: usize, failure: &Failure) -> Option<Duration> {
        let pause = *self.pauses.get(failed)?;
        match failure {
            Failure::Status { retry_after: Some(seconds), .. } => {
                Some(Duration::from_secs(*seconds).min(self.longest).max(pause))
            }
            _ => Some(pause),
        }
    }
}

/// The reason why a request did not deliver the file.
pub(super) enum Stop {
    /// A retry or another location may succeed.
    Failed(Failure),
    /// The error ends the whole fetch.
    Fatal(Box<FetchError>),
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Fatal(Box::new(error))
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Repeats a request after transient failures, until the retries are used up. `reached` returns the
/// number of bytes received so far. Progress resets the retry count, so that a file arrives even if
/// the connection breaks every ten megabytes. `retrying` is called before each retry.
///
/// # Errors
/// The last error, with the number of requests.
pub(super) fn repeat<T>(
    retries: &Retries,
    mut attempt: impl FnMut() -> Result<T, Stop>,
    reached: impl Fn() -> u64,
    retrying: impl Fn(&Failure),
) -> Result<T, (Stop, usize)> {
    let mut failed = 0;
    let mut furthest = reached();
    for number in 1.. {
        let failure = match attempt() {
            Ok(value) => return Ok(value),
            Err(Stop::Failed(failure)) if failure.is_transient() => failure,
            Err(stop) => return Err((stop, number)),
        };
        if reached() > furthest {
            furthest = reached();
            failed = 0;
        }
        let Some(pause) = retries.pause(failed, &failure) else {
            return Err((Stop::Failed(failure), number));
        };
        failed += 1;
        retrying(&failure);
        std::thread::sleep(pause);
    }
    unreachable!("the retries are finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_honoured_up_to_the_limit() {
        let retries = Retries::default();
        let failure = |retry_after| Failure::Status { code: 503, retry_after };
        assert_eq!(retries.pause(0, &failure(None)), Some(Duration::from_millis(500)));
        assert_eq!(retries.pause(0, &failure(Some(7))), Some(Duration::from_secs(7)));
        assert_eq!(retries.pause(0, &failure(Some(9999))), Some(Duration::from_secs(30)));
        assert_eq!(retries.pause(4, &failure(Some(7))), None);
    }
}
