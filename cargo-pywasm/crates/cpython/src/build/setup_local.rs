//! CPython's `Modules/Setup.local`, which lists the modules that a recipe disables, and this tool's
//! own module.
//!
//! The comment at the top of CPython's `Modules/Setup` documents the format. A module listed after
//! `*disabled*` is not built, even if configure finds everything it needs.

use pywasm_recipes::Recipe;

/// The line of the module that provides functions of `hashlib`.
const KDF: &str = "_pywasm_kdf _pywasm_kdf.c -I$(srcdir)/Modules/_hacl/include -D_BSD_SOURCE \
                   -D_DEFAULT_SOURCE\n";

/// Returns the content of `Modules/Setup.local` for a recipe.
#[must_use]
pub(super) fn setup_local(recipe: &Recipe) -> String {
    let mut text = format!("# Written by cargo-pywasm from recipe `{}`.\n", recipe.name);
    // The module calls functions that are compiled for these modules.
    if !["_sha1", "_sha2"].iter().any(|name| recipe.modules.disabled.contains(*name)) {
        text.push_str(KDF);
    }
    if !recipe.modules.disabled.is_empty() {
        text.push_str("*disabled*\n");
        for module in &recipe.modules.disabled {
            text.push_str(module);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::builtin;

    #[test]
    fn disabled_modules_follow_the_marker() {
        let recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        let text = setup_local(&recipe);
        let expected = "*disabled*\n_decimal\n_elementtree\n_hashlib\npyexpat\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn empty_list_has_no_marker() {
        let mut recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        recipe.modules.disabled.clear();
        assert!(!setup_local(&recipe).contains("*disabled*"));
        recipe.modules.disabled.insert("_sha2".to_owned());
        assert!(!setup_local(&recipe).contains("_pywasm_kdf"));
    }
}
