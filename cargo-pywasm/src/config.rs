//! What is asked for: flags, then environment, then `[package.metadata.pywasm]`, then defaults.

#[cfg(feature = "runtime")]
use std::collections::BTreeMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{PythonRequest, Recipe, builtin, builtin_names, is_known_module};
use pywasm_stubs::Rules;
use serde::Deserialize;

use crate::project::Stdlib;
use pywasm_post_link::{Asked, Initialization, Step};
use pywasm_session::variables::{PYWASM_PYTHON, PYWASM_RECIPE};
use pywasm_session::{WithHint, is_path};
use pywasm_size::Budget;
use pywasm_store::Ctx;

/// The recipe of those who name none.
const DEFAULT_RECIPE: &str = "default";

/// Which CPython is meant, as the command line says it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Selection {
    /// The CPython, `3.13` or `3.13.15` [env: PYWASM_PYTHON]
    #[arg(long, value_name = "VERSION")]
    pub python: Option<PythonRequest>,
    /// A built-in recipe's name, or the path of a recipe file [env: PYWASM_RECIPE]
    #[arg(long, value_name = "NAME|PATH")]
    pub recipe: Option<String>,
}

/// What is asked for, with every gap filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The CPython.
    pub python: PythonRequest,
    /// The recipe.
    pub recipe: Recipe,
}

/// The keys of `[package.metadata.pywasm]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Metadata {
    python: Option<PythonRequest>,
    recipe: Option<String>,
    freeze: Option<Vec<String>>,
    packages: Option<Vec<Utf8PathBuf>>,
    closed: Option<bool>,
    stdlib: Option<Stdlib>,
    policy: Option<String>,
    post_link: Option<Vec<Step>>,
    require_wasm_opt: Option<bool>,
    size_budget: Option<Budget>,
    snapshot: Option<Initialization>,
}

impl Metadata {
    /// A crate's own table over that of its workspace.
    fn over(self, shared: Self) -> Self {
        Self {
            python: self.python.or(shared.python),
            recipe: self.recipe.or(shared.recipe),
            freeze: self.freeze.or(shared.freeze),
            packages: self.packages.or(shared.packages),
            closed: self.closed.or(shared.closed),
            stdlib: self.stdlib.or(shared.stdlib),
            policy: self.policy.or(shared.policy),
            post_link: self.post_link.or(shared.post_link),
            require_wasm_opt: self.require_wasm_opt.or(shared.require_wasm_opt),
            size_budget: self.size_budget.or(shared.size_budget),
            snapshot: self.snapshot.or(shared.snapshot),
        }
    }

    /// The steps after the link. `snapshot` in the table adds the step of that name, and a policy beside
    /// any steps adds `audit`.
    fn post_link(self) -> Option<Asked> {
        // A budget alone applies to the module as it is linked.
        let budget = self.size_budget;
        let has_default = budget.is_some() || self.snapshot.is_some();
        let mut steps = self.post_link.or_else(|| has_default.then(Vec::new))?;
        if self.snapshot.is_some() && !steps.contains(&Step::Snapshot) {
            steps.push(Step::Snapshot);
        }
        if self.policy.is_some() && !steps.is_empty() && !steps.contains(&Step::Audit) {
            steps.push(Step::Audit);
        }
        let require_wasm_opt = self.require_wasm_opt.unwrap_or(false);
        let snapshot = self.snapshot.unwrap_or_default();
        Some(Asked { steps, policy: self.policy, require_wasm_opt, budget, snapshot })
    }
}

/// A crate, or a workspace, that asks for a Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The directory of the Cargo.toml with the table.
    pub dir: Utf8PathBuf,
    /// Whether it asks for `pywasm-build` by version, not by a place.
    pub wants_helper: bool,
    /// Modules of the standard library that travel inside.
    pub freeze: Vec<String>,
    /// Packages of its own that travel inside, relative to `dir`.
    pub packages: Vec<Utf8PathBuf>,
    /// Whether these are all that there is; else the recipe says it.
    pub closed: Option<bool>,
    /// How its modules get at the rest of the standard library.
    pub stdlib: Stdlib,
}

/// The settings of the crate one stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Surroundings {
    metadata: Metadata,
    project: Option<Project>,
}

impl Selection {
    /// The selection with its gaps filled from the environment and from the crate one stands
    /// in; what nobody says stays open.
    ///
    /// # Errors
    /// When a variable or the crate's metadata is not understood.
    pub fn filled(&self, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut filled = self.clone();
        if filled.python.is_none()
            && let Some(text) = ctx.env.text(PYWASM_PYTHON)
        {
            filled.python = Some(text.parse().context(PYWASM_PYTHON)?);
        }
        filled.recipe = filled.recipe.or_else(|| ctx.env.text(PYWASM_RECIPE).map(str::to_owned));
        if filled.python.is_none() || filled.recipe.is_none() {
            let metadata = surroundings(ctx)?.metadata;
            filled.python = filled.python.or(metadata.python);
            filled.recipe = filled.recipe.or(metadata.recipe);
        }
        Ok(filled)
    }
}

impl Settings {
    /// What is asked for.
    ///
    /// # Errors
    /// When the recipe can't be read, or names a module that the chosen CPython does not have.
    pub fn resolve(selection: &Selection, ctx: &Ctx) -> anyhow::Result<Self> {
        let filled = selection.filled(ctx)?;
        let recipe = load_recipe(filled.recipe.as_deref().unwrap_or(DEFAULT_RECIPE), ctx)?;
        let python = filled.python.unwrap_or(recipe.python);
        // The recipe was checked against its own python; another one may know other modules.
        if let Some(module) =
            recipe.modules.disabled.iter().find(|module| !is_known_module(python.series(), module))
        {
            anyhow::bail!(
                "recipe `{}` disables `{module}`, which CPython {python} does not have",
                recipe.name
            );
        }
        Ok(Self { python, recipe })
    }
}

/// The project one stands in: the crate whose Cargo.toml has the table, else its workspace.
///
/// # Errors
/// When the table is not understood.
pub fn project(ctx: &Ctx) -> anyhow::Result<Option<Project>> {
    Ok(surroundings(ctx)?.project)
}

/// The policy that the crate one stands in names, a path made absolute.
///
/// # Errors
/// When the table is not understood.
pub(crate) fn policy(ctx: &Ctx) -> anyhow::Result<Option<String>> {
    Ok(surroundings(ctx)?.metadata.policy)
}

/// How large the modules of the crate one stands in may be, the path of a baseline made absolute.
///
/// # Errors
/// When the table is not understood.
pub(crate) fn size_budget(ctx: &Ctx) -> anyhow::Result<Option<Budget>> {
    Ok(surroundings(ctx)?.metadata.size_budget)
}

/// What the crate one stands in has done to its modules after the link, the policy's path made
/// absolute; none where it says nothing of it.
///
/// # Errors
/// When the table is not understood.
pub(crate) fn post_link(ctx: &Ctx) -> anyhow::Result<Option<Asked>> {
    Ok(surroundings(ctx)?.metadata.post_link())
}

/// The same of each crate of the project one stands in, by its manifest; of those that say it.
///
/// # Errors
/// When a table is not understood.
#[cfg(feature = "runtime")]
pub(crate) fn post_links(ctx: &Ctx) -> anyhow::Result<BTreeMap<Utf8PathBuf, Asked>> {
    let Some((_, workspace)) = workspace(ctx) else { return Ok(BTreeMap::new()) };
    let root = workspace.workspace_root.join("Cargo.toml");
    let shared = table(Some(&workspace.workspace_metadata), "workspace", &root)?;
    let shared = shared.unwrap_or_default();
    let mut found = BTreeMap::new();
    for package in &workspace.packages {
        let manifest = &package.manifest_path;
        let own = table(Some(&package.metadata), "package", manifest)?.unwrap_or_default();
        if let Some(asked) = own.over(shared.clone()).post_link() {
            found.insert(manifest.clone(), asked);
        }
    }
    Ok(found)
}

/// The recipe of a name or a path: anything with a `/` or the ending `.toml` is a path.
///
/// # Errors
/// When there is none of that name, or the file can't be read or is not a recipe.
pub fn load_recipe(name: &str, ctx: &Ctx) -> anyhow::Result<Recipe> {
    if is_path(name) {
        let path = ctx.cwd.join(name);
        let text =
            fs_err::read_to_string(&path).with_context(|| format!("can't read recipe `{name}`"))?;
        return Recipe::parse(&text)
            .map_err(anyhow::Error::from)
            .and_then(|recipe| {
                Rules::from_table(&recipe.stubs).context("`[stubs]`").map(|_| recipe)
            })
            .hint(|| "`cargo pywasm recipe show default` prints one that works".to_owned())
            .with_context(|| format!("`{name}` is not a recipe"));
    }
    let known = || builtin_names().collect::<Vec<_>>().join(", ");
    let text = builtin(name)
        .with_context(|| format!("there is no built-in recipe `{name}`"))
        .hint(|| format!("built in are {}; a path ends in `.toml`", known()))?;
    Recipe::parse(text).with_context(|| format!("built-in recipe `{name}`"))
}

/// The manifest of the crate one stands in, and what Cargo says of it. Cargo is asked only where
/// there is a crate; one that Cargo can't read is worth a warning, because installing a Python
/// does not depend on it.
fn workspace(ctx: &Ctx) -> Option<(Utf8PathBuf, cargo_metadata::Metadata)> {
    let manifests =
        || ctx.cwd.ancestors().map(|dir| dir.join("Cargo.toml")).filter(|path| path.is_file());
    // Cargo takes longer than all the rest of an install that has nothing to do, and most
    // crates have no such table.
    let speaks_of_it =
        |path: Utf8PathBuf| fs_err::read_to_string(path).is_ok_and(|text| may_have_table(&text));
    let manifest = manifests().next().filter(|_| manifests().any(speaks_of_it))?;
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(&manifest).no_deps().other_options(["--offline".to_owned()]);
    match command.exec() {
        Ok(workspace) => Some((manifest, workspace)),
        Err(error) => {
            ctx.reporter.warn(format!("`{manifest}` is not read for its settings: {error}"));
            None
        }
    }
}

/// The table of the crate one stands in, over that of its workspace.
fn surroundings(ctx: &Ctx) -> anyhow::Result<Surroundings> {
    let Some((manifest, workspace)) = workspace(ctx) else { return Ok(Surroundings::default()) };
    let package = workspace.packages.iter().find(|package| package.manifest_path == manifest);
    let own = package.map(|package| &package.metadata);
    let own = table(own, "package", &manifest)?;
    let root = workspace.workspace_root.join("Cargo.toml");
    let shared = table(Some(&workspace.workspace_metadata), "workspace", &root)?;
    let of = |found: &Option<Metadata>, manifest: &Utf8Path| {
        found.as_ref().and(manifest.parent()).map(Utf8Path::to_owned)
    };
    let dir = of(&own, &manifest).or_else(|| of(&shared, &root));
    let by_version = |dependency: &cargo_metadata::Dependency| {
        dependency.name == "pywasm-build" && dependency.source.is_some()
    };
    let wants_helper = workspace.packages.iter().any(|package| {
        // One's own crate, or any of the workspace that has the table.
        (own.is_none() || package.manifest_path == manifest)
            && package.dependencies.iter().any(by_version)
    });
    let metadata = own.unwrap_or_default().over(shared.unwrap_or_default());
    let project = dir.map(|dir| Project {
        dir,
        wants_helper,
        freeze: metadata.freeze.clone().unwrap_or_default(),
        packages: metadata.packages.clone().unwrap_or_default(),
        closed: metadata.closed,
        stdlib: metadata.stdlib.unwrap_or_default(),
    });
    Ok(Surroundings { metadata, project })
}

/// Whether Cargo could find a table in this manifest or in that of its workspace. TOML has many
/// spellings (`[package.metadata] pywasm = { … }`), so a wrong yes is cheap and a wrong no silent.
fn may_have_table(manifest: &str) -> bool {
    // `package.workspace = "../root"`: a workspace that is not above.
    let elsewhere = |line: &str| {
        let key = line.trim_start().trim_start_matches("package.");
        key.strip_prefix("workspace").is_some_and(|rest| {
            rest.trim_start().strip_prefix('=').is_some_and(|value| value.contains(['"', '\'']))
        })
    };
    (manifest.contains("metadata") && manifest.contains("pywasm"))
        || manifest.lines().any(elsewhere)
}

/// `metadata.pywasm` of a manifest. The path of a recipe or policy is relative to the manifest.
fn table(
    metadata: Option<&serde_json::Value>,
    kind: &str,
    manifest: &Utf8Path,
) -> anyhow::Result<Option<Metadata>> {
    let Some(value) = metadata.and_then(|metadata| metadata.get("pywasm")) else {
        return Ok(None);
    };
    let mut table = Metadata::deserialize(value)
        .with_context(|| format!("`[{kind}.metadata.pywasm]` of `{manifest}`"))?;
    let dir = manifest.parent().unwrap_or(Utf8Path::new("/"));
    let placed = |name: String| {
        if is_path(&name) { dir.join(Utf8PathBuf::from(name)).into_string() } else { name }
    };
    table.recipe = table.recipe.map(placed);
    table.policy = table.policy.map(placed);
    if let Some(budget) = &mut table.size_budget {
        budget.baseline = budget.baseline.take().map(|path| dir.join(path));
    }
    Ok(Some(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctx(cwd: &Utf8Path, variables: &[(&str, &str)]) -> Ctx {
        Ctx::for_tests(cwd, variables)
    }

    fn crate_dir(manifest: &str) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        fs_err::create_dir(root.join("src")).unwrap();
        fs_err::write(root.join("src/lib.rs"), "").unwrap();
        let head =
            "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
        fs_err::write(root.join("Cargo.toml"), format!("{head}{manifest}")).unwrap();
        (dir, root)
    }

    #[test]
    fn flags_win_over_environment_over_metadata_over_default() {
        let (_dir, root) =
            crate_dir("[package.metadata.pywasm]\npython = \"3.14\"\nrecipe = \"full\"\n");
        let python = |selection: &Selection, env: &[(&str, &str)]| {
            let settings = Settings::resolve(selection, &ctx(&root, env)).unwrap();
            (settings.python.to_string(), settings.recipe.name)
        };
        let none = Selection::default();
        let flag = Selection { python: Some("3.13.5".parse().unwrap()), recipe: None };
        let env = [("PYWASM_PYTHON", "3.13")];
        assert_eq!(python(&none, &[]), ("3.14".to_owned(), "full".to_owned()));
        assert_eq!(python(&none, &env), ("3.13".to_owned(), "full".to_owned()));
        assert_eq!(python(&flag, &env), ("3.13.5".to_owned(), "full".to_owned()));
    }

    #[test]
    fn a_project_is_the_directory_of_the_table() {
        let (_dir, root) = crate_dir("[package.metadata.pywasm]\n");
        let found = project(&ctx(&root.join("src"), &[])).unwrap();
        assert_eq!(found.map(|project| project.dir), Some(root));
        let (_dir, root) = crate_dir("");
        assert_eq!(project(&ctx(&root, &[])).unwrap(), None);
    }

    #[test]
    fn a_helper_that_is_asked_for_by_version_is_told_from_one_at_a_place() {
        let table = "[package.metadata.pywasm]\n[build-dependencies]\n";
        let wants = |dependency: &str| {
            let (_dir, root) = crate_dir(&format!("{table}pywasm-build = {dependency}\n"));
            project(&ctx(&root, &[])).unwrap().unwrap().wants_helper
        };
        assert!(wants("\"0.1\""));
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../pywasm-build");
        assert!(!wants(&format!("{{ path = {beside:?} }}")));
    }

    #[test]
    fn the_table_is_found_however_toml_spells_it() {
        for table in [
            "[package.metadata]\npywasm = { recipe = \"full\" }\n",
            "[package.metadata]\npywasm.recipe = \"full\"\n",
            "[ package . metadata . \"pywasm\" ]\nrecipe = \"full\"\n",
            "[workspace.metadata.pywasm]\nrecipe = \"full\"\n",
        ] {
            // `crate_dir` opens a `[workspace]` of its own.
            let (_dir, root) = crate_dir(table);
            let ctx = ctx(&root, &[]);
            let settings = Settings::resolve(&Selection::default(), &ctx).unwrap();
            assert_eq!(settings.recipe.name, "full", "{table}");
        }
    }

    #[test]
    fn a_workspace_that_lies_elsewhere_is_asked() {
        let (_dir, root) =
            crate_dir("members = [\"../m\"]\n[workspace.metadata.pywasm]\nrecipe = \"full\"\n");
        let own = tempfile::tempdir_in(root.parent().unwrap()).unwrap();
        let own = Utf8PathBuf::from_path_buf(own.path().canonicalize().unwrap()).unwrap();
        let name = own.file_name().unwrap();
        let manifest = fs_err::read_to_string(root.join("Cargo.toml")).unwrap();
        let manifest = manifest.replace("../m", &format!("../{name}"));
        fs_err::write(root.join("Cargo.toml"), manifest).unwrap();
        fs_err::create_dir_all(own.join("src")).unwrap();
        fs_err::write(own.join("src/lib.rs"), "").unwrap();
        let other = root.file_name().unwrap();
        let text = format!(
            "[package]\nname = \"y\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             workspace = \"../{other}\"\n"
        );
        fs_err::write(own.join("Cargo.toml"), text).unwrap();
        let ctx = ctx(&own, &[]);
        let settings = Settings::resolve(&Selection::default(), &ctx).unwrap();
        assert_eq!(settings.recipe.name, "full", "{:?}", ctx.reporter.lines());
    }

    #[test]
    fn a_recipe_path_of_the_metadata_is_relative_to_its_manifest() {
        for path in ["mine/one.toml", "mine/one"] {
            let (_dir, root) =
                crate_dir(&format!("[package.metadata.pywasm]\nrecipe = \"{path}\"\n"));
            fs_err::create_dir(root.join("mine")).unwrap();
            let text = builtin("full").unwrap().replace("\"full\"", "\"mine\"");
            fs_err::write(root.join(path), text).unwrap();
            let ctx = ctx(&root.join("src"), &[]);
            let settings = Settings::resolve(&Selection::default(), &ctx).unwrap();
            assert_eq!(settings.recipe.name, "mine");
        }
    }

    #[test]
    fn cargo_is_not_asked_when_there_is_nothing_to_ask_it() {
        // Broken manifests: Cargo would make a warning of each.
        let broken = "[package.metadata.pywasm\n";
        let (_dir, root) = crate_dir(broken);
        let both = [("PYWASM_PYTHON", "3.14"), ("PYWASM_RECIPE", "full")];
        let (_other, plain) = crate_dir("[dependencies\nserde.workspace = true\n");
        let empty = tempfile::tempdir().unwrap();
        let empty = Utf8PathBuf::from_path_buf(empty.path().canonicalize().unwrap()).unwrap();
        for ctx in [ctx(&root, &both), ctx(&plain, &[]), ctx(&empty, &[])] {
            Settings::resolve(&Selection::default(), &ctx).unwrap();
            assert!(ctx.reporter.lines().is_empty(), "{:?}", ctx.reporter.lines());
        }
    }

    #[test]
    fn an_unknown_key_of_the_metadata_is_refused() {
        let (_dir, root) = crate_dir("[package.metadata.pywasm]\npyhton = \"3.14\"\n");
        let error = Settings::resolve(&Selection::default(), &ctx(&root, &[])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("pyhton") && text.contains("python"), "{text}");
    }

    #[cfg(feature = "runtime")]
    #[test]
    fn steps_after_the_link_are_read_and_a_policy_makes_the_audit_one() {
        let (_dir, root) = crate_dir(
            "[package.metadata.pywasm]\npost-link = [\"gzip\", \"wasm-opt\"]\nrequire-wasm-opt = true\n",
        );
        let read = post_link(&ctx(&root, &[])).unwrap().unwrap();
        assert_eq!(read.steps, [Step::Gzip, Step::WasmOpt]);
        assert!(read.require_wasm_opt && read.policy.is_none());
        let (_dir, root) =
            crate_dir("[package.metadata.pywasm]\npost-link = [\"gc\"]\npolicy = \"ic\"\n");
        let all = post_links(&ctx(&root, &[])).unwrap();
        assert_eq!(all[&root.join("Cargo.toml")].steps, [Step::Gc, Step::Audit]);
        assert_eq!(all[&root.join("Cargo.toml")].policy.as_deref(), Some("ic"));
        let (_dir, root) = crate_dir(
            "[package.metadata.pywasm]\nsnapshot = { imports = [\"json\"], hash-seed = 7 }\n",
        );
        let read = post_link(&ctx(&root, &[])).unwrap().unwrap();
        assert_eq!((&read.steps[..], read.snapshot.hash_seed), (&[Step::Snapshot][..], Some(7)));
        assert_eq!(read.snapshot.imports, ["json".parse().unwrap()]);
        let (_dir, root) =
            crate_dir("[package.metadata.pywasm]\nsnapshot = { imports = [\"json,re\"] }\n");
        let error = format!("{:#}", post_link(&ctx(&root, &[])).unwrap_err());
        assert!(error.contains("`json,re` is not the name of a module"), "{error}");
        // A policy alone is for `audit-imports`.
        let (_dir, root) = crate_dir("[package.metadata.pywasm]\npolicy = \"ic\"\n");
        assert!(post_links(&ctx(&root, &[])).unwrap().is_empty());
    }

    #[cfg(feature = "runtime")]
    #[test]
    fn a_budget_is_read_with_its_baseline_and_is_held_without_steps() {
        let (_dir, root) = crate_dir(
            "[package.metadata.pywasm]\npolicy = \"ic\"\n\
             size-budget = { total = \"1kB\", baseline = \"size.json\" }\n",
        );
        let asked = post_links(&ctx(&root, &[])).unwrap().remove(&root.join("Cargo.toml")).unwrap();
        // A policy alone is for `audit-imports`.
        assert_eq!(asked.steps, []);
        let budget = asked.budget.unwrap();
        assert_eq!(budget.limits.values().collect::<Vec<_>>(), [&1000]);
        assert_eq!(budget.baseline, Some(root.join("size.json")));
        assert_eq!(size_budget(&ctx(&root.join("src"), &[])).unwrap(), Some(budget));
    }

    #[test]
    fn a_wrong_step_lists_those_that_there_are() {
        let (_dir, root) = crate_dir("[package.metadata.pywasm]\npost-link = [\"optimize\"]\n");
        let error = format!("{:#}", post_link(&ctx(&root, &[])).unwrap_err());
        assert!(
            error.contains("`optimize` is not a step") && error.contains("wasm-opt"),
            "{error}"
        );
        assert!(error.contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn a_crate_that_cargo_cannot_read_is_a_warning() {
        let (_dir, root) = crate_dir("[package.metadata.pywasm\n");
        let ctx = ctx(&root, &[]);
        assert_eq!(Settings::resolve(&Selection::default(), &ctx).unwrap().recipe.name, "default");
        assert!(ctx.reporter.lines()[0].contains("warning"));
    }

    #[test]
    fn a_recipe_that_is_not_there_lists_those_that_are() {
        let error = load_recipe("ful", &ctx("/nowhere".into(), &[])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("`ful`") && text.contains("full"), "{text}");
    }
}
