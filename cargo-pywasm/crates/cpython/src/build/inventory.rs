//! The extension modules in a build, and the reasons why others are missing.

use std::collections::{BTreeMap, BTreeSet};

use pywasm_recipes::{MinorVersion, Recipe, known_modules, libraries};
use serde::Serialize;

/// The extension modules in one build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// The modules that are built into the interpreter, sorted.
    pub builtin: Vec<String>,
    /// The modules of this CPython series that were not built, sorted by name.
    pub left_out: Vec<LeftOut>,
}

/// A module that was not built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The module's name.
    pub name: String,
    /// The reason, as a sentence fragment.
    pub reason: String,
}

impl Inventory {
    /// Reads the inittab in `Modules/config.c` and the module states in `Makefile`.
    #[must_use]
    pub fn read(series: MinorVersion, recipe: &Recipe, config_c: &str, makefile: &str) -> Self {
        let builtin: BTreeSet<String> = inittab(config_c).map(str::to_owned).collect();
        let states = states(makefile);
        let left_out = known_modules(series)
            .filter(|name| !builtin.contains(*name))
            .map(|name| LeftOut { name: name.to_owned(), reason: reason(name, recipe, &states) })
            .collect();
        Self { builtin: builtin.into_iter().collect(), left_out }
    }

    /// Returns true if a module is built into the interpreter.
    #[must_use]
    pub fn has(&self, module: &str) -> bool {
        self.builtin.binary_search_by(|name| name.as_str().cmp(module)).is_ok()
    }
}

/// Returns the names in lines such as `    {"math", PyInit_math},`.
fn inittab(config_c: &str) -> impl Iterator<Item = &str> {
    config_c.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("{\"")?;
        let (name, function) = rest.split_once("\",")?;
        // Modules with NULL instead of a function, such as `builtins`, are part of the core.
        (!function.trim_start().starts_with("NULL")).then_some(name)
    })
}

/// Parses lines such as `MODULE__DECIMAL_STATE=disabled` into a map from `_DECIMAL` to `disabled`.
fn states(makefile: &str) -> BTreeMap<&str, &str> {
    makefile
        .lines()
        .filter_map(|line| {
            let (name, state) = line.strip_prefix("MODULE_")?.split_once("_STATE=")?;
            Some((name, state.split('#').next().unwrap_or_default().trim()))
        })
        .collect()
}

fn reason(name: &str, recipe: &Recipe, states: &BTreeMap<&str, &str>) -> String {
    if recipe.modules.disabled.contains(name) {
        return format!("disabled by recipe `{}`", recipe.name);
    }
    let library = libraries().iter().find(|library| library.modules.contains(name));
    if let Some(library) = library
        && !recipe.libraries.contains_key(&library.name)
    {
        return format!(
            "needs the library {}, which recipe `{}` leaves out",
            library.name, recipe.name
        );
    }
    match states.get(name.to_ascii_uppercase().as_str()).copied() {
        Some("n/a") => "not available on WASI according to CPython's configure",
        Some("missing") => "needs a library or function that the WASI sysroot does not have",
        Some("disabled") if name.starts_with("_test") || name.starts_with("_xxtest") => {
            "a test module, which the recipe leaves out"
        }
        Some("disabled") => "disabled by CPython's configure on WASI",
        _ => "not part of this build",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::builtin;

    #[test]
    fn every_known_module_is_listed() {
        let mut recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        recipe.libraries.remove("xz");
        let config_c = "extern PyObject* PyInit_math(void);\n    {\"math\", PyInit_math},\n    \
                        {\"builtins\", NULL},\n";
        let makefile = "MODULE_MATH_STATE=yes\nMODULE_ZLIB_STATE=missing\n\
                        MODULE_FCNTL_STATE=n/a\nMODULE__TESTCAPI_STATE=disabled  # x\n";
        let series = "3.13".parse().unwrap();
        let inventory = Inventory::read(series, &recipe, config_c, makefile);
        assert_eq!(inventory.builtin, ["math"]);
        let reason = |name: &str| {
            let module = inventory.left_out.iter().find(|module| module.name == name);
            module.unwrap().reason.clone()
        };
        assert_eq!(reason("_decimal"), "disabled by recipe `default`");
        assert!(reason("zlib").contains("sysroot"));
        assert_eq!(reason("_lzma"), "needs the library xz, which recipe `default` leaves out");
        assert!(reason("fcntl").contains("not available on WASI"));
        assert!(reason("_testcapi").contains("test module"));
        assert_eq!(inventory.left_out.len() + 1, known_modules(series).count());
    }
}
