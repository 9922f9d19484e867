//! Imports that the runtime does not provide.

use std::collections::BTreeSet;

use anyhow::Context;
use pywasm_session::WithHint;
use wasmtime::{ExternType, Linker, Store};

use super::adapter::WASI;
use super::{Module, wasm_error};

/// The linker imports the functions that it has not found from this module.
const LINKER: &str = "env";
const LINKER_HINT: &str = "the linker has not found the functions of `env`: `cargo pywasm \
                           audit-imports FILE` shows their callers and what to do; if the \
                           program's own host provides them, list them in the project's policy";
const HOST_HINT: &str = "`--trap-imports` starts the program, and makes calls to these functions \
                         trap; so does listing them in the project's policy";

impl Module {
    /// Returns true if the module imports only from WASI preview 1.
    #[must_use]
    pub fn imports_only_wasi(&self) -> bool {
        self.compiled.imports().all(|import| import.module() == WASI)
    }

    /// Makes calls to some imported functions trap, unless the runtime provides these functions. A
    /// program that has any other unknown import cannot be started. `is_trapped` receives the module
    /// and the name of each imported function.
    #[must_use]
    pub fn with_trapped_imports(mut self, is_trapped: impl Fn(&str, &str) -> bool) -> Self {
        self.trapped = self
            .compiled
            .imports()
            .filter(|import| matches!(import.ty(), ExternType::Func(_)))
            .map(|import| (import.module(), import.name()))
            .filter(|(module, name)| is_trapped(module, name))
            .map(|(module, name)| (module.to_owned(), name.to_owned()))
            .collect();
        self
    }

    /// Defines the functions that trap.
    ///
    /// # Errors
    /// When the module has another import that the linker does not define.
    pub(crate) fn link<T: 'static>(
        &self,
        linker: &mut Linker<T>,
        store: &mut Store<T>,
    ) -> anyhow::Result<()> {
        // A module may import a function more than once.
        let mut unknown = BTreeSet::new();
        for import in self.compiled.imports() {
            let (module, name) = (import.module(), import.name());
            if linker.get(&mut *store, module, name).is_ok() {
                continue;
            }
            match import.ty() {
                ExternType::Func(ty) if self.trapped.contains(&(module.into(), name.into())) => {
                    let text = format!(
                        "the program called `{module}.{name}`, which only its own host provides"
                    );
                    let trap = move |_: wasmtime::Caller<'_, T>,
                                     _: &[wasmtime::Val],
                                     _: &mut [wasmtime::Val]| {
                        Err(wasmtime::Error::msg(text.clone()))
                    };
                    linker.func_new(module, name, ty, trap).map_err(wasm_error)?;
                }
                ExternType::Func(_) => {
                    unknown.insert((module != LINKER, module, name));
                }
                _ => {
                    unknown.insert((true, module, name));
                }
            }
        }
        let Some((is_of_host, module, name)) = unknown.first() else { return Ok(()) };
        let more = match unknown.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Err(anyhow::anyhow!("it imports `{module}.{name}`{more}"))
            .context("this runtime does not provide all imports of the program")
            .hint(|| if *is_of_host { HOST_HINT } else { LINKER_HINT }.to_owned())
    }
}
