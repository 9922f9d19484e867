//! Removes Python modules from a link set whose archives define them.

use crate::behaviour::Behaviour;
use crate::link::Link;
use crate::object::{Object, SymbolKind};
use crate::signature::Signature;
use crate::stub::Stub;
use crate::writer::{Binding, Writer};

/// The reason why a module cannot be left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaveOutError {
    /// No object defines or uses the module.
    #[error("no object defines or uses `PyInit_{0}`: there is no module `{0}` to leave out")]
    Unknown(String),
    /// The module's object also defines something that is used elsewhere.
    #[error("`{object}` defines module `{module}`, but also `{symbol}`, which {needed_by} needs")]
    Needed {
        /// The module.
        module: String,
        /// The object that defines the module.
        object: String,
        /// The other symbol.
        symbol: String,
        /// The object that uses the other symbol.
        needed_by: String,
    },
}

/// Removes the objects of these Python modules from the link set. Returns the link set and a new
/// object, whose `PyInit_NAME` functions raise ImportError in place of the removed ones. Link the
/// new object directly, not from an archive. The linker then finds `PyInit_NAME` already defined
/// and takes no archive member for it.
///
/// # Errors
/// If a module does not exist, or its object is needed for something else.
pub fn leave_out(mut link: Link, modules: &[String]) -> Result<(Link, Vec<u8>), LeaveOutError> {
    let mut modules = modules.to_vec();
    modules.sort();
    modules.dedup();
    let mut writer = Writer::new();
    let mut stubs = Vec::new();
    for module in &modules {
        let name = format!("PyInit_{module}");
        let removed = link.remove_defining(&name);
        if removed.is_empty() && !link.mentions(&name) {
            return Err(LeaveOutError::Unknown(module.clone()));
        }
        for object in &removed {
            ensure_unused(&link, module, object)?;
        }
        let kind = SymbolKind::Function(Signature::of_module_init());
        stubs.push(Stub { name, kind, behaviour: Behaviour::ImportError, size: 0 });
    }
    // All imports must be declared before the first function is defined.
    let functions: Vec<_> =
        stubs.iter().filter_map(|stub| Some((&stub.name, stub.function(&mut writer)?))).collect();
    for (name, (Signature { params, results }, code)) in functions {
        writer.function(name, Binding::Global, params, results, code);
    }
    let object = writer.finish();
    if let Ok(read) = Object::read("left-out.o", &object) {
        link.push_first(read);
    }
    Ok((link, object))
}

/// Checks that the rest of the link set uses no symbol that only this object defines.
fn ensure_unused(link: &Link, module: &str, object: &Object) -> Result<(), LeaveOutError> {
    let init = format!("PyInit_{module}");
    let defined = object.symbols.iter().filter(|symbol| !symbol.undefined);
    for symbol in defined.filter(|symbol| symbol.name != init) {
        if let Some(needed_by) = link.user(&symbol.name)
            && link.definition(&symbol.name).is_none()
        {
            return Err(LeaveOutError::Needed {
                module: module.to_owned(),
                object: object.name.clone(),
                symbol: symbol.name.clone(),
                needed_by: needed_by.to_owned(),
            });
        }
    }
    Ok(())
}
