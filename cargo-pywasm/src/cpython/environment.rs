//! The environment of a build, listed: nothing of the user's reaches configure or make.

use std::collections::BTreeMap;

use camino::Utf8Path;

use pywasm_session::Environment;
use pywasm_store::Ctx;

/// Dates compiled into the interpreter (`sys.version`) follow this, so that the same
/// inputs give the same bytes. <https://reproducible-builds.org/specs/source-date-epoch/>
///
/// 1980-01-01, the first date a zip archive can hold.
pub(super) const SOURCE_DATE_EPOCH: &str = "315532800";

/// A compiler cache found on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompilerCache {
    /// `ccache` or `sccache`, by absolute path.
    pub(super) program: String,
    /// What it needs to know to find its files.
    pub(super) env: BTreeMap<String, String>,
}

/// What every command of a build gets. `PATH` is the standard one and the directories
/// of `make` and the C compiler, for machines where these live elsewhere.
pub(super) fn base(make: &Utf8Path) -> BTreeMap<String, String> {
    let mut path = String::from("/usr/bin:/bin");
    if let Some(dir) = make.parent().filter(|dir| !["/usr/bin", "/bin"].contains(&dir.as_str())) {
        path = format!("{dir}:{path}");
    }
    [("LC_ALL", "C"), ("PATH", path.as_str()), ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// ccache, else sccache, where one is on `PATH`.
pub(super) fn compiler_cache(ctx: &Ctx) -> Option<CompilerCache> {
    find_cache(&ctx.env)
}

fn find_cache(env: &Environment) -> Option<CompilerCache> {
    let (name, program) =
        ["ccache", "sccache"].iter().find_map(|name| Some((*name, env.program(name)?)))?;
    let prefix = name.to_ascii_uppercase() + "_DIR";
    let wanted = [prefix.as_str(), "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "HOME"];
    let env = wanted
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), env.text(name)?.to_owned())))
        .collect();
    Some(CompilerCache { program: program.into_string(), env })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_holds_four_things_at_most() {
        let names: Vec<_> = base("/usr/bin/make".into()).into_keys().collect();
        assert_eq!(names, ["LC_ALL", "PATH", "SOURCE_DATE_EPOCH"]);
        assert_eq!(base("/opt/bin/gmake".into())["PATH"], "/opt/bin:/usr/bin:/bin");
    }

    #[test]
    fn no_cache_on_the_path_is_no_cache() {
        assert_eq!(find_cache(&Environment::of(&[("PATH", "/nowhere")])), None);
    }
}
