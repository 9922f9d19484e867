//! Modules of Python that are to be missing though an archive has them.

use crate::behaviour::Behaviour;
use crate::link::Link;
use crate::object::{Kind, Object};
use crate::signature::Signature;
use crate::stub::Stub;
use crate::writer::{Binding, Writer};

/// Why a module can't be left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaveOutError {
    /// Nothing has it or wants it.
    #[error("nothing has or wants `PyInit_{0}`: there is no module `{0}` to leave out")]
    Unknown(String),
    /// Its object has more than the module.
    #[error("`{object}` has module `{module}`, and `{symbol}`, which {by} needs")]
    Needed {
        /// The module.
        module: String,
        /// The object that has it.
        object: String,
        /// What else it has.
        symbol: String,
        /// Who needs that.
        by: String,
    },
}

/// The link set without the objects of these modules, and with an object that answers their import
/// by ImportError. That object is to be linked as such, not from an archive: then the linker finds
/// `PyInit_NAME` defined and pulls no member that has it.
///
/// # Errors
/// When there is no such module, or its object is needed for something else.
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
            still_wanted(&link, module, object)?;
        }
        let kind =
            Kind::Function(Signature { params: Vec::new(), results: vec!["i32".to_owned()] });
        stubs.push(Stub { name, kind, behaviour: Behaviour::ImportError, size: 0 });
    }
    let written: Vec<_> = stubs.iter().map(|stub| (stub, stub.prepare(&mut writer))).collect();
    for (stub, code) in written {
        if let Some((params, results, code)) = code {
            writer.function(&stub.name, Binding::Global, &params, &results, code);
        }
    }
    let object = writer.finish();
    if let Ok(read) = Object::read("left-out.o", &object) {
        link.push_first(read);
    }
    Ok((link, object))
}

fn still_wanted(link: &Link, module: &str, object: &Object) -> Result<(), LeaveOutError> {
    for symbol in object.symbols.iter().filter(|symbol| !symbol.undefined) {
        let is_own = symbol.name == format!("PyInit_{module}");
        if let Some(by) = link.wants(&symbol.name).filter(|_| !is_own)
            && link.definition(&symbol.name).is_none()
        {
            return Err(LeaveOutError::Needed {
                module: module.to_owned(),
                object: object.name.clone(),
                symbol: symbol.name.clone(),
                by: by.to_owned(),
            });
        }
    }
    Ok(())
}
