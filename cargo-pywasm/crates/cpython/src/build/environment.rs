//! The environment of the commands of a build. It contains only the variables that are listed here.

use std::collections::BTreeMap;

use camino::Utf8Path;

use pywasm_session::Environment;
use pywasm_session::variables::{HOME, PATH, XDG_CACHE_HOME};
use pywasm_store::Ctx;

/// The date that is compiled into the interpreter (`sys.version`): 1980-01-01, the first date that
/// a zip archive can hold. The date is fixed so that equal inputs give equal bytes.
/// <https://reproducible-builds.org/specs/source-date-epoch/>
pub(super) const SOURCE_DATE_EPOCH: &str = "315532800";

/// A compiler cache found on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompilerCache {
    /// The absolute path of `ccache` or `sccache`.
    pub(super) program: String,
    /// The variables it needs to find its files.
    pub(super) env: BTreeMap<String, String>,
}

/// Returns the environment of every command of a build. `PATH` has the standard directories,
/// preceded by the directory of `make` if that is another one.
pub(super) fn base(make: &Utf8Path) -> BTreeMap<String, String> {
    let mut path = String::from("/usr/bin:/bin");
    if let Some(dir) = make.parent().filter(|dir| !["/usr/bin", "/bin"].contains(&dir.as_str())) {
        path = format!("{dir}:{path}");
    }
    [("LC_ALL", "C"), (PATH, path.as_str()), ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns ccache, or else sccache, if one of them is on `PATH`.
pub(super) fn compiler_cache(ctx: &Ctx) -> Option<CompilerCache> {
    find_cache(&ctx.env)
}

fn find_cache(env: &Environment) -> Option<CompilerCache> {
    let (name, program) =
        ["ccache", "sccache"].iter().find_map(|name| Some((*name, env.program(name)?)))?;
    let prefix = name.to_ascii_uppercase() + "_DIR";
    let names = [prefix.as_str(), XDG_CACHE_HOME, "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", HOME];
    let env = names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), env.text(name)?.to_owned())))
        .collect();
    Some(CompilerCache { program: program.into_string(), env })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_has_three_variables() {
        let names: Vec<_> = base("/usr/bin/make".into()).into_keys().collect();
        assert_eq!(names, ["LC_ALL", "PATH", "SOURCE_DATE_EPOCH"]);
        assert_eq!(base("/opt/bin/gmake".into())["PATH"], "/opt/bin:/usr/bin:/bin");
    }

    #[test]
    fn missing_cache_is_none() {
        assert_eq!(find_cache(&Environment::of(&[("PATH", "/nowhere")])), None);
    }
}
