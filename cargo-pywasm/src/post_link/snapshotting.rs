//! The step that makes a snapshot: what it needs of this machine, and what it says.

#[cfg(feature = "runtime")]
pub(super) use with_runtime::Snapshotting;
#[cfg(not(feature = "runtime"))]
pub(super) use without::Snapshotting;

/// A module, and what the user should know of how it was made.
pub(super) struct Made {
    pub(super) module: Vec<u8>,
    pub(super) about: String,
    pub(super) warning: Option<String>,
    /// What the initialization printed.
    pub(super) printed: Option<String>,
}

#[cfg(feature = "runtime")]
mod with_runtime {
    use bytesize::ByteSize;

    use super::Made;
    use crate::post_link::Initialization;
    use crate::project;
    use pywasm_runtime::{Program, Runtime};
    use pywasm_snapshot::{Request, snapshot};
    use pywasm_store::Ctx;

    /// An initialization, ready to be run.
    #[derive(Clone, Debug)]
    pub(in crate::post_link) struct Snapshotting {
        request: Request,
        runtime: Runtime,
    }

    impl Snapshotting {
        /// It sees the standard library as the project's modules do, and nothing else.
        pub(in crate::post_link) fn new(asked: &Initialization, ctx: &Ctx) -> anyhow::Result<Self> {
            let mut program = Program::new("snapshot");
            for dir in project::stdlib(&ctx.cwd, None, ctx)? {
                program = program.dir(dir);
            }
            let request = Request {
                imports: asked.imports.clone(),
                init: asked.init.clone(),
                program,
                hash_seed: asked.hash_seed,
            };
            Ok(Self { request, runtime: Runtime::new(ctx)? })
        }

        pub(in crate::post_link) fn about(&self) -> String {
            let Request { imports, init, hash_seed, .. } = &self.request;
            let mut about = vec!["Python initialized".to_owned()];
            about.extend(init.iter().map(|name| format!("by `{name}`")));
            about.extend((!imports.is_empty()).then(|| format!("with {}", imports.join(", "))));
            about.extend(hash_seed.map(|seed| format!("by hash seed {seed}")));
            about.join(" ")
        }

        pub(in crate::post_link) fn make(&self, module: &[u8]) -> anyhow::Result<Made> {
            let made = snapshot(module, &self.request, &self.runtime)?;
            let size = ByteSize::b(made.memory as u64).display().iec();
            let warning = made.warnings();
            let about = format!("{size} of memory are kept");
            let warning = (!warning.is_empty()).then(|| warning.join("\n"));
            let printed = made.output.trim_end();
            let printed = (!printed.is_empty()).then(|| printed.to_owned());
            Ok(Made { module: made.module, about, warning, printed })
        }
    }
}

#[cfg(not(feature = "runtime"))]
mod without {
    use super::Made;
    use crate::post_link::Initialization;
    use pywasm_store::Ctx;

    /// There is nothing that could run it.
    #[derive(Clone, Debug)]
    pub(in crate::post_link) struct Snapshotting;

    impl Snapshotting {
        pub(in crate::post_link) fn new(_: &Initialization, _: &Ctx) -> anyhow::Result<Self> {
            anyhow::bail!(
                "this cargo-pywasm is built without its feature `runtime`, and can't run the module"
            )
        }

        pub(in crate::post_link) fn about(&self) -> String {
            String::new()
        }

        pub(in crate::post_link) fn make(&self, _: &[u8]) -> anyhow::Result<Made> {
            anyhow::bail!("there is nothing that could run the module")
        }
    }
}
