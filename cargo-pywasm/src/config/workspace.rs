//! The Cargo workspace around the current directory.

use std::cell::OnceCell;
#[cfg(feature = "runtime")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::semver::{Op, VersionReq};
use cargo_metadata::{Dependency, Metadata, MetadataCommand, Package};

use super::cargo_args::CargoArgs;
use super::package::PackageSettings;
use super::table::{Required, Section, SourcePackage, Stdlib, Table};
use pywasm_post_link::Request;
use pywasm_recipes::Exclude;
use pywasm_session::variables::CARGO;
use pywasm_session::{WithHint, hinted};
use pywasm_size::Budget;
use pywasm_store::Ctx;

/// The build-dependency that links Python.
const HELPER: &str = "pywasm-build";

/// The dependencies whose build scripts read the configuration of a Python.
const PYO3: [&str; 2] = ["pyo3", "pyo3-ffi"];
/// The first minor version of PyO3 whose crates take the configuration of `pyo3-ffi` from its build
/// script.
const PYO3_CURRENT: u64 = 30;

/// The Cargo workspace around the current directory, as `cargo metadata` describes it.
///
/// Each command creates one instance and passes it on. Cargo is called only when a setting is
/// needed. For example, installing Python outside of a crate does not need Cargo.
#[derive(Debug)]
pub struct Workspace<'a> {
    ctx: &'a Ctx,
    /// Cargo's arguments, which can select another crate than the one around the current directory.
    args: CargoArgs,
    state: OnceCell<State>,
}

#[derive(Debug)]
enum State {
    /// Neither the current directory nor any directory above it contains a Cargo.toml.
    Outside,
    /// Cargo cannot read the nearest Cargo.toml.
    Unreadable { manifest: Utf8PathBuf, reason: String },
    /// Cargo has described the workspace.
    Read(Box<Description>),
}

#[derive(Debug)]
struct Description {
    /// The path of the nearest Cargo.toml, which belongs to a package or to a virtual workspace.
    manifest: Utf8PathBuf,
    metadata: Metadata,
    /// The `[package.metadata.pywasm]` table of the nearest Cargo.toml.
    own: Option<Table>,
    /// The `[workspace.metadata.pywasm]` table of the workspace.
    shared: Option<Table>,
}

/// How a project uses PyO3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pyo3 {
    /// No crate depends on it directly.
    #[default]
    Unused,
    /// It accepts versions before 0.30.
    Old,
    /// It requires 0.30 or later.
    Current,
}

/// A crate or a workspace that embeds Python: its Cargo.toml has the table `metadata.pywasm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The directory that contains the Cargo.toml with the table.
    pub dir: Utf8PathBuf,
    /// True if the project depends on `pywasm-build` by version rather than by path.
    pub helper_by_version: bool,
    /// How the crates of the project use PyO3.
    pub pyo3: Pyo3,
    /// Modules of the standard library to embed.
    pub freeze: Vec<String>,
    /// Python packages and files of the project to embed.
    pub packages: Vec<SourcePackage>,
    /// The packages that the project requires by name.
    pub requirements: Option<Required>,
    /// Python modules that the project's Rust code provides.
    pub provided: Vec<String>,
    /// Patterns for files of the packages that are not embedded.
    pub exclude: Vec<Exclude>,
    /// True if the source of embedded modules is embedded in addition to their bytecode.
    pub source: bool,
    /// True if only embedded Python modules can be imported. If unset, the recipe decides.
    pub closed: Option<bool>,
    /// The source of the standard library at run time.
    pub stdlib: Stdlib,
}

impl<'a> Workspace<'a> {
    /// Creates the workspace around the current directory of `ctx`. Nothing is read yet.
    #[must_use]
    pub fn new(ctx: &'a Ctx) -> Self {
        Self::selected(CargoArgs::default(), ctx)
    }

    /// Creates the workspace that Cargo's arguments select. If they select one package, it is the
    /// current crate. Nothing is read yet.
    #[must_use]
    pub fn selected(args: CargoArgs, ctx: &'a Ctx) -> Self {
        Self { ctx, args, state: OnceCell::new() }
    }

    /// Creates the workspace whose current crate has this Cargo.toml. Nothing is read yet.
    #[cfg(feature = "runtime")]
    pub(crate) fn of(manifest: Utf8PathBuf, ctx: &'a Ctx) -> Self {
        Self::selected(CargoArgs::of(manifest), ctx)
    }

    /// Returns the context that the workspace was created with.
    #[must_use]
    pub fn ctx(&self) -> &'a Ctx {
        self.ctx
    }

    /// Returns the project that the current directory belongs to: the crate if its Cargo.toml
    /// contains a `metadata.pywasm` table, else the workspace if its Cargo.toml does.
    ///
    /// # Errors
    /// When the table is invalid.
    pub fn project(&self) -> anyhow::Result<Option<Project>> {
        let Some(description) = self.description()? else { return Ok(None) };
        let Some(dir) = description.project_dir() else { return Ok(None) };
        let table = description.table();
        Ok(Some(Project {
            dir: dir.to_owned(),
            helper_by_version: description
                .any_dependency(|it| it.name == HELPER && it.source.is_some()),
            pyo3: description.pyo3(),
            freeze: table.freeze.unwrap_or_default(),
            packages: table.packages.unwrap_or_default(),
            requirements: table.requirements.filter(|it| !it.requirements.is_empty()),
            provided: table.provided.unwrap_or_default(),
            exclude: table.exclude.unwrap_or_default(),
            source: table.source.unwrap_or_default(),
            closed: table.closed,
            stdlib: table.stdlib.unwrap_or_default(),
        }))
    }

    /// Returns the project that the current directory belongs to, as [`Workspace::project`] does.
    ///
    /// # Errors
    /// When there is no project, or its table is invalid.
    pub fn require_project(&self) -> anyhow::Result<Project> {
        self.project()?.ok_or_else(|| self.no_project())
    }

    /// Returns the error for a command that needs a project.
    #[must_use]
    pub fn no_project(&self) -> anyhow::Error {
        let cwd = &self.ctx.cwd;
        hinted(
            anyhow::anyhow!("`{cwd}` is not in a crate that embeds Python"),
            "`cargo pywasm init` sets up a crate to embed Python".to_owned(),
        )
    }

    /// Returns the projects that Cargo builds when it gets the arguments of this workspace, each as
    /// the current project of a workspace. In a virtual workspace, several members can be projects.
    ///
    /// # Errors
    /// When a table is invalid.
    pub fn projects(&self) -> anyhow::Result<Vec<Workspace<'a>>> {
        let Some(description) = self.description()? else { return Ok(Vec::new()) };
        let manifests = description.project_manifests(&self.args)?;
        Ok(manifests.into_iter().map(|it| Self::selected(CargoArgs::of(it), self.ctx)).collect())
    }

    /// Returns the table of the current crate, with missing keys taken from the table of its
    /// workspace. Without any table, all keys are unset.
    ///
    /// # Errors
    /// When a table is invalid.
    pub(crate) fn table(&self) -> anyhow::Result<Table> {
        Ok(self.description()?.map(Description::table).unwrap_or_default())
    }

    /// Returns the policy of the current crate: a name, or an absolute path.
    ///
    /// # Errors
    /// When the table is invalid.
    pub(crate) fn policy(&self) -> anyhow::Result<Option<String>> {
        Ok(self.table()?.policy)
    }

    /// Returns the size budget of the current crate.
    ///
    /// # Errors
    /// When the table is invalid.
    pub(crate) fn size_budget(&self) -> anyhow::Result<Option<Budget>> {
        Ok(self.table()?.size_budget)
    }

    /// Returns the post-link steps of the current crate, or `None` if the table requests none.
    ///
    /// # Errors
    /// When the table is invalid.
    pub(crate) fn post_link(&self) -> anyhow::Result<Option<Request>> {
        Ok(self.table()?.post_link())
    }

    /// Returns the post-link steps of every workspace package that requests any, indexed by the
    /// path of the package's Cargo.toml.
    ///
    /// # Errors
    /// When a table is invalid.
    #[cfg(feature = "runtime")]
    pub(crate) fn post_links(&self) -> anyhow::Result<BTreeMap<Utf8PathBuf, Request>> {
        let mut found = BTreeMap::new();
        let Some(description) = self.description()? else { return Ok(found) };
        for package in &description.metadata.packages {
            if let Some(asked) = description.table_of(package)?.post_link() {
                found.insert(package.manifest_path.clone(), asked);
            }
        }
        Ok(found)
    }

    /// Returns the settings of the packages that belong to the current project. Such packages
    /// depend on `pywasm-build`, and have no table that makes them a separate project.
    ///
    /// # Errors
    /// When a table is invalid or a manifest cannot be read.
    pub fn package_settings(&self) -> anyhow::Result<Vec<PackageSettings>> {
        let Some(description) = self.description()? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for package in &description.metadata.packages {
            if depends_on_helper(package) && description.is_in_project(package)? {
                found.push(description.settings(package)?);
            }
        }
        found.sort_by(|a, b| a.manifests[0].path.cmp(&b.manifests[0].path));
        Ok(found)
    }

    /// Returns the settings of the package that the nearest Cargo.toml describes, even if it has no
    /// table.
    ///
    /// # Errors
    /// When there is no package, Cargo cannot read it, or its table is invalid.
    pub fn current_package(&self) -> anyhow::Result<PackageSettings> {
        let description = self.require()?;
        let package = description.current().with_context(|| {
            format!("`{}` describes a workspace, not a package", description.manifest)
        })?;
        description.settings(package)
    }

    /// Returns the packages that a command in the current directory applies to, and Cargo's target
    /// directory. In a virtual workspace, the packages are all members. Otherwise, only the current
    /// package is returned.
    ///
    /// # Errors
    /// When there is no crate, or Cargo cannot read it.
    pub(crate) fn selected_packages(&self) -> anyhow::Result<(Vec<&Package>, &Utf8Path)> {
        let description = self.require()?;
        let packages = match description.current() {
            Some(package) => vec![package],
            None => description.metadata.packages.iter().collect(),
        };
        Ok((packages, &description.metadata.target_directory))
    }

    /// Returns Cargo's description of the workspace, or `None` outside of crates. If Cargo cannot
    /// read the crate, prints a warning and returns `None`, because Python can be installed and run
    /// without the crate's settings.
    fn description(&self) -> anyhow::Result<Option<&Description>> {
        match self.state()? {
            State::Read(description) => Ok(Some(description)),
            State::Outside | State::Unreadable { .. } => Ok(None),
        }
    }

    fn require(&self) -> anyhow::Result<&Description> {
        match self.state()? {
            State::Read(description) => Ok(description),
            State::Unreadable { manifest, reason } => {
                anyhow::bail!("Cargo cannot read `{manifest}`: {reason}")
            }
            State::Outside => Err(anyhow::anyhow!("`{}` is not in a crate", self.ctx.cwd))
                .hint(|| "run this command in the directory of a crate".to_owned()),
        }
    }

    fn state(&self) -> anyhow::Result<&State> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let state = State::read(&self.args, self.ctx)?;
        if let State::Unreadable { manifest, reason } = &state {
            let reporter = &self.ctx.reporter;
            reporter.warn(format!("the settings in `{manifest}` are ignored: {reason}"));
        }
        Ok(self.state.get_or_init(|| state))
    }
}

impl State {
    fn read(args: &CargoArgs, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut manifests = ctx.cwd.ancestors().map(|dir| dir.join("Cargo.toml"));
        let nearest = || manifests.find(|path| path.is_file());
        let Some(manifest) = args.manifest(&ctx.cwd).or_else(nearest) else {
            return Ok(Self::Outside);
        };
        let mut command = MetadataCommand::new();
        command.cargo_path(ctx.env.path(CARGO).unwrap_or_else(|| "cargo".into()));
        command.manifest_path(&manifest).current_dir(&ctx.cwd).no_deps();
        command.other_options(["--offline".to_owned()]);
        match command.exec() {
            Ok(metadata) => {
                let manifest = match &args.selected(&metadata.packages)[..] {
                    [package] => package.manifest_path.clone(),
                    _ => manifest,
                };
                Ok(Self::Read(Box::new(Description::new(manifest, metadata)?)))
            }
            Err(error) => Ok(Self::Unreadable { manifest, reason: error.to_string() }),
        }
    }
}

impl Description {
    fn new(manifest: Utf8PathBuf, metadata: Metadata) -> anyhow::Result<Self> {
        let root = metadata.workspace_root.join("Cargo.toml");
        let shared = Table::read(&metadata.workspace_metadata, Section::Workspace, &root)?;
        let package = metadata.packages.iter().find(|package| package.manifest_path == manifest);
        let own = package.map(own_table).transpose()?.flatten();
        Ok(Self { manifest, metadata, own, shared })
    }

    /// Returns the package that the nearest Cargo.toml describes.
    fn current(&self) -> Option<&Package> {
        self.metadata.packages.iter().find(|package| package.manifest_path == self.manifest)
    }

    /// Returns the path of the workspace's Cargo.toml.
    fn root(&self) -> Utf8PathBuf {
        self.metadata.workspace_root.join("Cargo.toml")
    }

    fn table(&self) -> Table {
        self.own.clone().unwrap_or_default().over(self.shared.clone().unwrap_or_default())
    }

    fn table_of(&self, package: &Package) -> anyhow::Result<Table> {
        let own = own_table(package)?.unwrap_or_default();
        Ok(own.over(self.shared.clone().unwrap_or_default()))
    }

    fn settings(&self, package: &Package) -> anyhow::Result<PackageSettings> {
        PackageSettings::resolve(package, &self.table_of(package)?, &self.root())
    }

    fn project_dir(&self) -> Option<&Utf8Path> {
        if self.own.is_some() {
            return self.manifest.parent();
        }
        self.shared.as_ref().map(|_| self.metadata.workspace_root.as_path())
    }

    /// Returns the Cargo.toml files of the projects that Cargo builds, sorted. Each contains the
    /// table of its project.
    fn project_manifests(&self, args: &CargoArgs) -> anyhow::Result<BTreeSet<Utf8PathBuf>> {
        let selected = args.selected(&self.metadata.packages);
        let packages = match self.current() {
            _ if !selected.is_empty() => selected,
            Some(package) if !args.is_workspace => vec![package],
            _ => self.metadata.packages.iter().collect(),
        };
        let mut found = BTreeSet::new();
        for package in packages {
            if own_table(package)?.is_some() {
                found.insert(package.manifest_path.clone());
            } else if self.shared.is_some() {
                found.insert(self.root());
            }
        }
        Ok(found)
    }

    /// Returns true if the package belongs to the current project rather than to a separate one.
    fn is_in_project(&self, package: &Package) -> anyhow::Result<bool> {
        if package.manifest_path == self.manifest {
            return Ok(true);
        }
        Ok(self.own.is_none() && own_table(package)?.is_none())
    }

    fn pyo3(&self) -> Pyo3 {
        let is_pyo3 = |it: &Dependency| PYO3.contains(&it.name.as_str());
        if self.any_dependency(|it| is_pyo3(it) && accepts_before(&it.req, PYO3_CURRENT)) {
            Pyo3::Old
        } else if self.any_dependency(is_pyo3) {
            Pyo3::Current
        } else {
            Pyo3::Unused
        }
    }

    /// Returns true if a dependency of the current project matches. If the current crate has a
    /// table, only its dependencies are checked. Otherwise, the dependencies of all members are
    /// checked.
    fn any_dependency(&self, is_match: impl Fn(&Dependency) -> bool) -> bool {
        let packages = self.metadata.packages.iter();
        packages
            .filter(|package| self.own.is_none() || package.manifest_path == self.manifest)
            .any(|package| package.dependencies.iter().any(&is_match))
    }
}

/// Returns true if a requirement accepts a release before this minor version of major version 0.
/// Requirements without a minor version, such as `*` and those of paths, are for the newest release.
fn accepts_before(requirement: &VersionReq, minor: u64) -> bool {
    requirement.comparators.iter().filter(|it| it.major == 0).any(|it| match (it.op, it.minor) {
        (_, None) => false,
        // `<0.30` accepts no release of 0.30.
        (Op::Less, Some(bound)) => bound <= minor,
        (_, Some(bound)) => bound < minor,
    })
}

fn own_table(package: &Package) -> anyhow::Result<Option<Table>> {
    Table::read(&package.metadata, Section::Package, &package.manifest_path)
}

fn depends_on_helper(package: &Package) -> bool {
    package.dependencies.iter().any(|dependency| dependency.name == HELPER)
}
