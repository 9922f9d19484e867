//! Attributes functions to object files and crates, using the linker map, the names of the
//! functions, or archives.

use std::collections::HashMap;

use crate::map::Function;
use crate::{Evidence, Kind, Object, Origin, symbol};

/// The evidence about the origins of a module's functions.
pub(crate) struct Functions<'e> {
    evidence: &'e Evidence<'e>,
    /// True if the module and the map contain the same functions in the same order.
    in_order: bool,
    /// The map's functions by name. Empty if `in_order` is true. Several objects may define
    /// functions with the same name.
    by_name: HashMap<&'e str, Vec<u32>>,
}

impl<'e> Functions<'e> {
    /// Prepares the evidence for look-ups. `names` contains the names of all functions by index;
    /// the first `imported` names are those of imports.
    pub(crate) fn new(names: &[&str], imported: u32, evidence: &'e Evidence<'e>) -> Self {
        let functions = evidence.map.map_or(&[][..], |map| &map.functions);
        let defined = names.get(imported as usize..).unwrap_or_default();
        // Most names must agree, but not all: exported constructors have a suffix only in the
        // module or only in the map.
        let agrees = |(name, function): (&&str, &Function<'_>)| *name == function.name;
        let in_order = !functions.is_empty()
            && defined.len() == functions.len()
            && defined.iter().zip(functions).filter(|it| agrees((it.0, it.1))).count() * 10
                >= functions.len() * 9;
        let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
        if !in_order {
            for (number, function) in (0..).zip(functions) {
                by_name.entry(function.name).or_default().push(number);
            }
        }
        Self { evidence, in_order, by_name }
    }

    /// Returns the kind and the origin of a function, and its object if it is known. `number` is
    /// its position in the code section.
    pub(crate) fn origin(
        &self,
        number: u32,
        name: &str,
        bytes: u64,
    ) -> (Kind, Origin, Option<Object>) {
        let known = self.object_path(number, name, bytes).map(symbol::object_of);
        if let Some(origin) = symbol::rust_origin(name) {
            return (Kind::Rust, origin, known.and_then(|(.., object)| object));
        }
        if let Some(known) = known {
            return known;
        }
        let member = || self.evidence.members.and_then(|it| it.of(without_number(name)));
        if let Some(member) = (!name.is_empty()).then(member).flatten() {
            return (Kind::C, Origin::Object(member.clone()), Some(member.clone()));
        }
        let (kind, origin) = symbol::origin_of(name);
        (kind, origin, None)
    }

    /// Returns the path of a function's object file as it appears in the map.
    fn object_path(&self, number: u32, name: &str, bytes: u64) -> Option<&'e str> {
        let map = self.evidence.map?;
        let object = |of: &Function<'_>| map.objects.get(of.object as usize).copied();
        if self.in_order {
            return map.functions.get(number as usize).and_then(object);
        }
        let known = self.by_name.get(name).or_else(|| self.by_name.get(without_number(name)))?;
        let found = |number: &u32| map.functions.get(*number as usize);
        let mut all = known.iter().filter_map(found);
        let first = all.next()?;
        if all.all(|it| it.object == first.object) {
            return object(first);
        }
        // Several objects define a function with this name. If exactly one of these functions has
        // the right size, its object is the right one.
        let mut same = known.iter().filter_map(found).filter(|it| u64::from(it.size) == bytes);
        let one = same.next()?;
        same.next().is_none().then(|| object(one)).flatten()
    }
}

/// Removes the number that optimizers append to a duplicate name: `null_error.1`.
fn without_number(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((plain, number)) if number.bytes().all(|it| it.is_ascii_digit()) => plain,
        _ => name,
    }
}
