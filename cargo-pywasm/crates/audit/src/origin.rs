//! The origin of a finding: the reason why a symbol or an import is in a module.

use std::fmt;

use pywasm_size::Object;
use serde::{Serialize, Serializer};

/// The reason why the subject of a finding is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The shortest chain of calls that leads to the function from outside the module.
    Calls(Calls),
    /// An export with this name.
    Export(String),
    /// A wasm table, through which the function can be called indirectly.
    Table,
    /// An object file in the link set.
    Object(Object),
    /// A declaration of the symbol whose type conflicts with that of another declaration.
    Declaration {
        /// The declared type.
        ty: String,
        /// The first object file that contains this declaration.
        object: Option<Object>,
    },
}

/// A chain of calls, outermost caller first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Calls {
    /// The callers before the omitted ones, or all callers if none is omitted.
    pub outer: Vec<Caller>,
    /// The number of callers omitted from a long chain.
    pub omitted: usize,
    /// The callers after the omitted ones.
    pub inner: Vec<Caller>,
}

/// A function in a chain of calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// The function's name, demangled, or `function 12` if it has none.
    pub name: String,
    /// The function's export name, if it differs from `name`.
    pub export: Option<String>,
}

const INIT: &str = "PyInit_";

impl Origin {
    /// Parses the name of an object file: `lib.a(member.o)` or `file.o`.
    pub(crate) fn object(name: &str) -> Self {
        let Ok(object) = name.parse();
        Self::Object(object)
    }

    /// Returns the Python extension module whose init function is in the chain of calls.
    pub(crate) fn initialized_module(&self) -> Option<&str> {
        let Self::Calls(calls) = self else { return None };
        let mut callers = calls.outer.iter().chain(&calls.inner);
        callers.find_map(|caller| {
            let export = caller.export.as_deref().and_then(|it| it.strip_prefix(INIT));
            export.or_else(|| caller.name.strip_prefix(INIT))
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(calls) => calls.fmt(f),
            Self::Export(name) => write!(f, "export {name}"),
            Self::Table => f.write_str("a table"),
            Self::Object(object) => object.fmt(f),
            Self::Declaration { ty, object: Some(object) } => write!(f, "{ty} by {object}"),
            Self::Declaration { ty, object: None } => f.write_str(ty),
        }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for caller in &self.outer {
            write!(f, "{separator}{caller}")?;
            separator = " > ";
        }
        if self.omitted > 0 {
            write!(f, "{separator}… {} more", self.omitted)?;
        }
        self.inner.iter().try_for_each(|caller| write!(f, " > {caller}"))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.export {
            Some(export) => write!(f, "{export} ({})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Writes the origin as the text that reports show.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(names: &[&str]) -> Vec<Caller> {
        names.iter().map(|name| Caller { name: (*name).to_owned(), export: None }).collect()
    }

    #[test]
    fn long_chain_shows_both_ends() {
        let mut outer = callers(&["run", "a"]);
        outer[0].export = Some("main".to_owned());
        let calls = Calls { outer, omitted: 3, inner: callers(&["z"]) };
        assert_eq!(Origin::Calls(calls).to_string(), "main (run) > a > … 3 more > z");
    }

    #[test]
    fn init_function_names_its_module() {
        let chain =
            |names: &[&str]| Origin::Calls(Calls { outer: callers(names), ..Calls::default() });
        assert_eq!(chain(&["PyInit__decimal", "f"]).initialized_module(), Some("_decimal"));
        assert_eq!(chain(&["run"]).initialized_module(), None);
        assert_eq!(Origin::Table.initialized_module(), None);
    }
}
