//! The process environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use camino::Utf8PathBuf;

use crate::variables;

/// The environment variables at the start of the process. Build commands do not inherit them: the
/// code that runs a command sets each of its variables explicitly.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

/// The error for an environment variable whose value is not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    /// The variable's name.
    pub name: String,
    /// The variable's value, with replacement characters for the invalid bytes.
    pub value: String,
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of {} is not UTF-8: `{}`", self.name, self.value)
    }
}

impl std::error::Error for NotUtf8 {}

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// When a variable that the tool uses as text has a value that is not UTF-8. If such a value
    /// were ignored, the tool could, for example, use a different store than requested.
    pub fn of_process() -> Result<Self, NotUtf8> {
        Self::from_variables(std::env::vars_os())
    }

    /// Creates an environment that contains only `variables`, for tests.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Self { variables }
    }

    fn from_variables(all: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, NotUtf8> {
        let variables: BTreeMap<String, OsString> =
            all.filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        let documented = variables::DOCUMENTED.iter().map(|(name, _)| *name);
        for name in documented.chain(variables::TEXT.iter().copied()) {
            if let Some(value) = variables.get(name)
                && value.to_str().is_none()
            {
                let value = value.to_string_lossy().into_owned();
                return Err(NotUtf8 { name: name.to_owned(), value });
            }
        }
        Ok(Self { variables })
    }

    /// Returns the value of a variable, or `None` if it is unset or empty. A variable that is not
    /// listed in [`variables`] also counts as unset when its value is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// Returns the variables whose values are UTF-8, sorted by name.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str()?)))
    }

    /// Returns the value of a variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<Utf8PathBuf> {
        self.text(name).map(Utf8PathBuf::from)
    }

    /// Returns true if a variable is set to anything but `0`, `false` or `no`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !matches!(value, "0" | "false" | "no"))
    }

    /// Returns the value of `PATH`.
    #[must_use]
    pub fn search_path(&self) -> OsString {
        self.variables.get(variables::PATH).cloned().unwrap_or_default()
    }

    /// Returns the path of the first program with this name on `PATH`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<Utf8PathBuf> {
        let found = which::which_in_global(name, Some(self.search_path())).ok()?.next()?;
        Utf8PathBuf::from_path_buf(found).ok()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn non_utf8_store_is_refused_by_name() {
        let value = OsString::from_vec(b"/tmp/\xff".to_vec());
        let variables = [("PYWASM_STORE".into(), value.clone())];
        let error = Environment::from_variables(variables.into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "the value of PYWASM_STORE is not UTF-8: `/tmp/\u{fffd}`");
        let unrelated = [("LS_COLORS".into(), value)];
        assert!(Environment::from_variables(unrelated.into_iter()).is_ok());
    }
}
