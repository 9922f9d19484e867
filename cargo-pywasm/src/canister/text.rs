//! Arguments and replies as text, typed by a method's signature.

use anyhow::Context;
use candid::types::{Function, Type, TypeInner};
use candid::{IDLArgs, TypeEnv};

use super::bounds;

/// How much of a line is shown around the place of an error.
const SHOWN: usize = 60;

/// Reads Candid text; an error shows the place in it.
///
/// # Errors
/// When it is not what `read` reads.
pub(super) fn parsed<T>(
    source: &str,
    what: &str,
    read: impl FnOnce(&str) -> candid_parser::Result<T>,
) -> anyhow::Result<T> {
    bounds::text(source, what)?;
    read(source).map_err(|error| {
        let candid_parser::Error::Parse(_) = error else {
            return anyhow::anyhow!("{what}: {error}");
        };
        let report = error.report();
        let label = report.labels.first();
        let place = label.map_or(source.len(), |label| label.range.start);
        let problem = label.map_or_else(|| report.message.clone(), |label| label.message.clone());
        let expected = report.notes.first().map(|note| {
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("\n{note}")
        });
        let expected = expected.unwrap_or_default();
        anyhow::anyhow!("{what} is no Candid: {problem}\n{}{expected}", shown(source, place))
    })
}

/// The line of a place, and a caret below it.
fn shown(source: &str, place: usize) -> String {
    let mut place = place.min(source.len());
    while !source.is_char_boundary(place) {
        place -= 1;
    }
    let before = &source[..place];
    let number = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let line = source[begin..].lines().next().unwrap_or_default();
    let column = source[begin..place].chars().count();
    let from = column.saturating_sub(SHOWN);
    let part: String = line.chars().skip(from).take(2 * SHOWN).collect();
    format!("line {number}, column {}:\n  {part}\n  {}^", column + 1, " ".repeat(column - from))
}

/// Encodes arguments as these types.
///
/// # Errors
/// When it is not Candid, or of other types; it says which are wanted.
pub fn encode(source: &str, env: &TypeEnv, types: &[Type]) -> anyhow::Result<Vec<u8>> {
    let args = read(source)?;
    let wanted = list(types);
    let given = args.args.len();
    let optional = |ty: &Type| {
        let traced = env.trace_type(ty);
        traced.is_ok_and(|it| {
            matches!(it.as_ref(), TypeInner::Opt(_) | TypeInner::Null | TypeInner::Reserved)
        })
    };
    let fits = given <= types.len() && types.iter().skip(given).all(optional);
    anyhow::ensure!(fits, "{}", count(given, types.len(), &wanted));
    let mut typed = Vec::new();
    for (number, (value, ty)) in args.args.iter().zip(types).enumerate() {
        let value = value.annotate_type(true, env, ty).with_context(|| {
            format!(
                "argument {} is `{value}` of type {}, and {ty} is wanted",
                number + 1,
                value.value_ty()
            )
        })?;
        typed.push(value);
    }
    // A table of all types goes before them.
    let bytes = bounds::deep(|| {
        let typed = IDLArgs::new(&typed).annotate_types(true, env, types)?;
        typed.to_bytes_with_types(env, types)
    });
    bytes.with_context(|| format!("they are no {wanted}"))
}

/// That there are too few or too many.
fn count(given: usize, wanted: usize, types: &str) -> String {
    let given = match given {
        1 => "1 argument is".to_owned(),
        number => format!("{number} arguments are"),
    };
    let verb = if wanted == 1 { "is" } else { "are" };
    format!("{given} given, and {wanted} {verb} wanted: {types}")
}

/// Encodes arguments as the types that their text has.
///
/// # Errors
/// When it is not Candid.
pub fn encode_untyped(source: &str) -> anyhow::Result<Vec<u8>> {
    Ok(read(source)?.to_bytes()?)
}

fn read(source: &str) -> anyhow::Result<IDLArgs> {
    parsed(source, "the argument", candid_parser::parse_idl_args)
}

/// A reply as text, by the types that the method says; without them fields have numbers for names.
///
/// # Errors
/// When it is not Candid, or of other types.
pub fn decode(bytes: &[u8], method: Option<(&TypeEnv, &Function)>) -> anyhow::Result<String> {
    let args = match method {
        Some((env, function)) => IDLArgs::from_bytes_with_types(bytes, env, &function.rets)
            .with_context(|| format!("the reply is no {}", list(&function.rets)))?,
        None => IDLArgs::from_bytes(bytes).context("the reply is no Candid")?,
    };
    Ok(args.to_string())
}

/// Types as an argument list.
#[must_use]
pub fn list(types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(one_line).collect();
    format!("({})", types.join(", "))
}

/// A method's type in one line.
#[must_use]
pub fn signature(function: &Function) -> String {
    let text = function.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_line(ty: &Type) -> String {
    ty.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
