//! The table `[package.metadata.pywasm]`.

use std::str::FromStr;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_packages::Requirements;
use pywasm_recipes::{Exclude, HostStack, PythonRequest};
use serde::{Deserialize, Serialize};

use pywasm_session::{WithHint, is_path};
use pywasm_size::Budget;

use pywasm_post_link::{Initialization, Request, Step};

/// The reason why the key `pack` was removed.
const PACK_REMOVED: &str =
    "packing saved at most 14 % of the compressed size, and slowed down every start of the module";

/// The keys of `[package.metadata.pywasm]`, and of `[workspace.metadata.pywasm]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Table {
    pub(crate) python: Option<PythonRequest>,
    /// A name, or an absolute path.
    pub(crate) recipe: Option<String>,
    pub(crate) freeze: Option<Vec<String>>,
    pub(crate) packages: Option<Vec<SourcePackage>>,
    pub(crate) requirements: Option<Required>,
    pub(crate) provided: Option<Vec<String>>,
    pub(crate) exclude: Option<Vec<Exclude>>,
    pub(crate) source: Option<bool>,
    pub(crate) closed: Option<bool>,
    pub(crate) host_stack: Option<HostStack>,
    pub(crate) stdlib: Option<Stdlib>,
    /// A name, or an absolute path.
    pub(crate) policy: Option<String>,
    post_link: Option<Vec<Step>>,
    require_wasm_opt: Option<bool>,
    pub(crate) size_budget: Option<Budget>,
    pub(crate) snapshot: Option<Initialization>,
}

/// A Python package or file that the crate embeds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Utf8PathBuf")]
pub struct SourcePackage {
    /// The absolute path.
    pub path: Utf8PathBuf,
    /// The path as written in Cargo.toml. Tracebacks show this path.
    pub shown: Utf8PathBuf,
}

impl From<Utf8PathBuf> for SourcePackage {
    fn from(path: Utf8PathBuf) -> Self {
        Self { shown: path.clone(), path }
    }
}

/// The message for a value of `stdlib` that was renamed.
const FROZEN_RENAMED: &str = "`stdlib = \"frozen\"` was renamed to `stdlib = \"embedded\"`";

/// The packages that a project requires, and the directory that contains their lock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Requirements")]
pub struct Required {
    /// The directory of the Cargo.toml.
    pub dir: Utf8PathBuf,
    /// The requirements. Paths are relative to `dir`.
    pub requirements: Requirements,
}

impl From<Requirements> for Required {
    fn from(requirements: Requirements) -> Self {
        Self { dir: Utf8PathBuf::new(), requirements }
    }
}

/// The source of the standard library at run time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdlib {
    /// A directory that the host mounts.
    #[default]
    Dir,
    /// A zip file in a directory that the host mounts.
    Zip,
    /// The wasm module itself.
    Embedded,
}

impl FromStr for Stdlib {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dir" => Ok(Self::Dir),
            "zip" => Ok(Self::Zip),
            "embedded" => Ok(Self::Embedded),
            "frozen" => Err("`frozen` was renamed to `embedded`".to_owned()),
            other => Err(format!("`{other}` is not one of embedded, zip, dir")),
        }
    }
}

/// The section of a manifest whose metadata contains the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Package,
    Workspace,
}

impl Section {
    fn header(self) -> &'static str {
        match self {
            Self::Package => "[package.metadata.pywasm]",
            Self::Workspace => "[workspace.metadata.pywasm]",
        }
    }
}

impl Table {
    /// Parses the table in a manifest's metadata. Relative paths are resolved against the
    /// manifest's directory.
    ///
    /// # Errors
    /// When a key is unknown or a value is invalid.
    pub(super) fn read(
        metadata: &serde_json::Value,
        section: Section,
        manifest: &Utf8Path,
    ) -> anyhow::Result<Option<Self>> {
        let Some(value) = metadata.get("pywasm") else { return Ok(None) };
        let place = || format!("`{}` of `{manifest}`", section.header());
        if value.get("pack").is_some() {
            return Err(anyhow::anyhow!("the key `pack` was removed: {PACK_REMOVED}"))
                .hint(|| {
                    "delete the key; to compress modules, add `gzip` to `post-link`".to_owned()
                })
                .with_context(place);
        }
        if value.get("stdlib").is_some_and(|value| value == "frozen") {
            return Err(anyhow::anyhow!(FROZEN_RENAMED))
                .hint(|| {
                    "write `stdlib = \"embedded\"`, which embeds the same modules, as files; without \
                     `freeze` and `packages`, it embeds the whole library"
                        .to_owned()
                })
                .with_context(place);
        }
        let table = Self::deserialize(value).with_context(place)?;
        Ok(Some(table.relative_to(manifest.parent().unwrap_or(Utf8Path::new("/")))))
    }

    fn relative_to(mut self, dir: &Utf8Path) -> Self {
        let absolute =
            |name: String| if is_path(&name) { dir.join(name).into_string() } else { name };
        self.recipe = self.recipe.map(absolute);
        self.policy = self.policy.map(absolute);
        for package in self.packages.iter_mut().flatten() {
            package.path = dir.join(&package.path);
        }
        if let Some(required) = &mut self.requirements {
            required.dir = dir.to_owned();
        }
        if let Some(budget) = &mut self.size_budget {
            budget.baseline = budget.baseline.take().map(|path| dir.join(path));
        }
        self
    }

    /// Merges a package's table with the table of its workspace. A key in the package's table takes
    /// precedence.
    pub(super) fn over(self, shared: Self) -> Self {
        Self {
            python: self.python.or(shared.python),
            recipe: self.recipe.or(shared.recipe),
            freeze: self.freeze.or(shared.freeze),
            packages: self.packages.or(shared.packages),
            requirements: self.requirements.or(shared.requirements),
            provided: self.provided.or(shared.provided),
            exclude: self.exclude.or(shared.exclude),
            source: self.source.or(shared.source),
            closed: self.closed.or(shared.closed),
            host_stack: self.host_stack.or(shared.host_stack),
            stdlib: self.stdlib.or(shared.stdlib),
            policy: self.policy.or(shared.policy),
            post_link: self.post_link.or(shared.post_link),
            require_wasm_opt: self.require_wasm_opt.or(shared.require_wasm_opt),
            size_budget: self.size_budget.or(shared.size_budget),
            snapshot: self.snapshot.or(shared.snapshot),
        }
    }

    /// Returns the post-link steps. The key `snapshot` adds the step `snapshot`, and
    /// `require-wasm-opt` the step `wasm-opt`. The key `policy` adds the step `audit` if there is
    /// any other step.
    pub(crate) fn post_link(self) -> Option<Request> {
        // With a size budget and no steps, the linked module itself is checked.
        let budget = self.size_budget;
        let require_wasm_opt = self.require_wasm_opt.unwrap_or(false);
        let has_default = budget.is_some() || self.snapshot.is_some() || require_wasm_opt;
        let mut steps = self.post_link.or_else(|| has_default.then(Vec::new))?;
        if self.snapshot.is_some() && !steps.contains(&Step::Snapshot) {
            steps.push(Step::Snapshot);
        }
        let is_policy_checked = self.policy.is_some() && (!steps.is_empty() || require_wasm_opt);
        let snapshot = self.snapshot.unwrap_or_default();
        let request = Request { steps, policy: self.policy, require_wasm_opt, budget, snapshot };
        Some(request.with_implied_steps(is_policy_checked))
    }
}
