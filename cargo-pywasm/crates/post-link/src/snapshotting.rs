//! The step `snapshot`: its inputs and its report.

#[cfg(feature = "runtime")]
pub(crate) use with_runtime::Snapshotting;
#[cfg(not(feature = "runtime"))]
pub(crate) use without_runtime::Snapshotting;

/// The result of the step: a snapshot, and messages about it.
pub(crate) struct Snapshotted {
    pub(crate) module: Vec<u8>,
    pub(crate) about: String,
    pub(crate) warning: Option<String>,
    /// The output of the initialization.
    pub(crate) printed: Option<String>,
}

#[cfg(feature = "runtime")]
mod with_runtime {
    use bytesize::ByteSize;
    use pywasm_runtime::{Program, Runtime};
    use pywasm_snapshot::{Request, snapshot};
    use pywasm_store::Ctx;

    use super::Snapshotted;
    use crate::{Initialization, Surroundings};

    /// An initialization, ready to be run.
    #[derive(Clone, Debug)]
    pub(crate) struct Snapshotting {
        request: Request,
        runtime: Runtime,
    }

    impl Snapshotting {
        /// Prepares an initialization that can access only the project's standard library.
        pub(crate) fn new(
            initialization: &Initialization,
            project: &Surroundings,
            ctx: &Ctx,
        ) -> anyhow::Result<Self> {
            let dirs = project.stdlib.iter().cloned();
            let program = dirs.fold(Program::new("snapshot"), Program::dir);
            let Initialization { imports, init, hash_seed } = initialization.clone();
            let request = Request { imports, init, program, files: None, hash_seed };
            Ok(Self { request, runtime: Runtime::new(ctx)? })
        }

        pub(crate) fn about(&self) -> String {
            let Request { imports, init, hash_seed, .. } = &self.request;
            let mut about = vec!["initialize Python".to_owned()];
            about.extend(init.iter().map(|name| format!("with export `{name}`")));
            about.extend(
                (!imports.is_empty()).then(|| format!("and import {}", imports.join(", "))),
            );
            about.extend(hash_seed.map(|seed| format!("(hash seed {seed})")));
            about.join(" ")
        }

        pub(crate) fn run(&self, module: &[u8]) -> anyhow::Result<Snapshotted> {
            let result = snapshot(module, &self.request, &self.runtime)?;
            let size = ByteSize::b(result.memory as u64).display().iec();
            let warnings = result.warnings();
            let printed = result.output.trim_end();
            Ok(Snapshotted {
                about: format!("{size} of memory kept"),
                warning: (!warnings.is_empty()).then(|| warnings.join("\n")),
                printed: (!printed.is_empty()).then(|| printed.to_owned()),
                module: result.module,
            })
        }
    }
}

#[cfg(not(feature = "runtime"))]
mod without_runtime {
    use pywasm_store::Ctx;

    use super::Snapshotted;
    use crate::{Initialization, Surroundings};

    /// A placeholder for builds without the feature `runtime`, in which the step cannot be planned.
    #[derive(Clone, Debug)]
    pub(crate) struct Snapshotting;

    impl Snapshotting {
        pub(crate) fn new(_: &Initialization, _: &Surroundings, _: &Ctx) -> anyhow::Result<Self> {
            anyhow::bail!("step `snapshot` needs the feature `runtime` of cargo-pywasm")
        }

        pub(crate) fn about(&self) -> String {
            String::new()
        }

        pub(crate) fn run(&self, _: &[u8]) -> anyhow::Result<Snapshotted> {
            anyhow::bail!("step `snapshot` needs the feature `runtime` of cargo-pywasm")
        }
    }
}
