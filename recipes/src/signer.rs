//! The identities with which CPython's release managers sign releases.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::MinorVersion;

/// The identity with which the release manager of a series signs its releases.
///
/// Source: <https://www.python.org/downloads/metadata/sigstore/>.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Signer {
    /// The series.
    pub series: MinorVersion,
    /// The e-mail address in the certificate.
    pub identity: String,
    /// The OpenID Connect provider that has confirmed the address.
    pub issuer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    signer: Vec<Signer>,
}

impl Signer {
    /// Returns the signer of a series.
    ///
    /// # Panics
    /// Never, because the data is compiled in and tests parse it.
    #[must_use]
    pub fn of(series: MinorVersion) -> Option<&'static Self> {
        static FILE: LazyLock<File> = LazyLock::new(|| {
            let text = include_str!("../pins/cpython-signers.toml");
            toml::from_str(text).expect("pins/cpython-signers.toml")
        });
        FILE.signer.iter().find(|signer| signer.series == series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython_pins;

    #[test]
    fn every_pinned_series_has_a_signer() {
        for pin in cpython_pins() {
            assert!(Signer::of(pin.series()).is_some(), "{}", pin.version);
        }
    }
}
