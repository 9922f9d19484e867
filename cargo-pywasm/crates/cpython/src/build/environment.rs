//! The environment of build commands. Commands inherit no variables from this process, except those
//! that a compiler cache needs.

use std::collections::BTreeMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use pywasm_session::variables::{HOME, PATH, XDG_CACHE_HOME};
use pywasm_session::{Environment, WithHint};
use pywasm_store::Ctx;

/// The date that is compiled into the interpreter (`sys.version`): 1980-01-01, the first date that
/// a zip archive can hold. The date is fixed so that identical inputs produce identical bytes.
/// <https://reproducible-builds.org/specs/source-date-epoch/>
pub(super) const SOURCE_DATE_EPOCH: &str = "315532800";

/// A compiler cache found on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompilerCache {
    /// The absolute path of `ccache` or `sccache`.
    pub(crate) program: String,
    /// The environment variables that the program needs to find its files.
    pub(crate) env: BTreeMap<String, String>,
}

/// Returns the environment that all build commands share. `PATH` contains the standard directories,
/// preceded by the directory of `make` if it is not one of them.
pub(crate) fn base(make: &Utf8Path) -> BTreeMap<String, String> {
    let mut path = String::from("/usr/bin:/bin");
    if let Some(dir) = make.parent().filter(|dir| !["/usr/bin", "/bin"].contains(&dir.as_str())) {
        path = format!("{dir}:{path}");
    }
    [("LC_ALL", "C"), (PATH, path.as_str()), ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Finds GNU make on `PATH`.
///
/// # Errors
/// When there is none.
pub(crate) fn make_program(ctx: &Ctx) -> anyhow::Result<Utf8PathBuf> {
    let found = ctx.env.program("gmake").or_else(|| ctx.env.program("make"));
    found.context("`make` is not on PATH").hint(|| {
        "install it (Debian: `apt install make`, macOS: `xcode-select --install`)".to_owned()
    })
}

/// Finds a compiler cache on `PATH`: ccache, or sccache if there is no ccache.
pub(crate) fn compiler_cache(ctx: &Ctx) -> Option<CompilerCache> {
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
