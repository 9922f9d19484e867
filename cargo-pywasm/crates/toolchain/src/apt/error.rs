//! The errors of release files.

/// The reason why a suite cannot be fetched or trusted.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The release file cannot be fetched.
    #[error("{0}")]
    Fetch(String),
    /// No program on `PATH` can verify signatures.
    #[error("neither `gpgv` nor `sqv` is on PATH to verify signatures")]
    NoVerifier,
    /// The machine has no keys for the archive.
    #[error("no keyring for `{0}` on this machine")]
    NoKeyring(String),
    /// The signature is missing or invalid, or was made with a key that is not trusted for this
    /// archive.
    #[error("the signature of {url} is not valid: {message}")]
    BadSignature {
        /// The URL of the release file.
        url: String,
        /// The last line that the verifier printed.
        message: String,
    },
    /// A temporary file cannot be written, or the verifier cannot be run.
    #[error("cannot verify a signature: {0}")]
    Io(#[from] std::io::Error),
}
