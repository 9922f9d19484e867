//! Encodes arguments from Candid text, and decodes replies to Candid text, using a method's types.

use anyhow::Context;
use candid::types::{Function, Type, TypeInner};
use candid::{IDLArgs, TypeEnv};

use super::bounds;

/// The number of characters shown before and after an error.
const CONTEXT: usize = 60;

/// Parses Candid text. Errors show their position in the text.
///
/// # Errors
/// When the text exceeds a limit, or `parser` fails.
pub(super) fn parse<T>(
    source: &str,
    what: &str,
    parser: impl FnOnce(&str) -> candid_parser::Result<T>,
) -> anyhow::Result<T> {
    bounds::check_text(source, what)?;
    parser(source).map_err(|error| {
        let candid_parser::Error::Parse(_) = error else {
            return anyhow::anyhow!("{what}: {error}");
        };
        let report = error.report();
        let label = report.labels.first();
        let position = label.map_or(source.len(), |label| label.range.start);
        let problem = label.map_or_else(|| report.message.clone(), |label| label.message.clone());
        let expected = report.notes.first().map(|note| {
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("\n{note}")
        });
        let expected = expected.unwrap_or_default();
        anyhow::anyhow!(
            "{what} is not valid Candid: {problem}\n{}{expected}",
            excerpt(source, position)
        )
    })
}

/// Returns the line that contains a position, with a caret below the position.
fn excerpt(source: &str, position: usize) -> String {
    let mut position = position.min(source.len());
    while !source.is_char_boundary(position) {
        position -= 1;
    }
    let before = &source[..position];
    let number = before.matches('\n').count() + 1;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let line = source[begin..].lines().next().unwrap_or_default();
    let column = source[begin..position].chars().count();
    let from = column.saturating_sub(CONTEXT);
    let part: String = line.chars().skip(from).take(2 * CONTEXT).collect();
    format!("line {number}, column {}:\n  {part}\n  {}^", column + 1, " ".repeat(column - from))
}

/// Parses arguments in Candid text, and encodes them with the expected types.
///
/// # Errors
/// When the text is not Candid, or its values do not have the expected types.
pub fn encode(source: &str, env: &TypeEnv, types: &[Type]) -> anyhow::Result<Vec<u8>> {
    let args = read(source)?;
    let expected = list(types);
    let actual = args.args.len();
    let optional = |ty: &Type| {
        let traced = env.trace_type(ty);
        traced.is_ok_and(|it| {
            matches!(it.as_ref(), TypeInner::Opt(_) | TypeInner::Null | TypeInner::Reserved)
        })
    };
    let fits = actual <= types.len() && types.iter().skip(actual).all(optional);
    anyhow::ensure!(fits, "{}", wrong_count(actual, types.len(), &expected));
    let mut typed = Vec::new();
    for (number, (value, ty)) in args.args.iter().zip(types).enumerate() {
        let value = value.annotate_type(true, env, ty).with_context(|| {
            format!(
                "argument {} is `{value}` of type {}, expected {ty}",
                number + 1,
                value.value_ty()
            )
        })?;
        typed.push(value);
    }
    // The encoding begins with the type table, which `candid` writes recursively.
    let bytes = bounds::with_deep_stack(|| {
        let typed = IDLArgs::new(&typed).annotate_types(true, env, types)?;
        typed.to_bytes_with_types(env, types)
    });
    bytes.with_context(|| format!("the arguments do not have the types {expected}"))
}

/// Returns the message for too few or too many arguments.
fn wrong_count(actual: usize, expected: usize, types: &str) -> String {
    let noun = if expected == 1 { "argument" } else { "arguments" };
    format!("expected {expected} {noun}, got {actual}; the expected types are {types}")
}

/// Parses arguments in Candid text, and encodes them with the types that the text implies.
///
/// # Errors
/// When the text is not Candid.
pub fn encode_untyped(source: &str) -> anyhow::Result<Vec<u8>> {
    Ok(read(source)?.to_bytes()?)
}

fn read(source: &str) -> anyhow::Result<IDLArgs> {
    parse(source, "the argument", candid_parser::parse_idl_args)
}

/// Decodes a reply and returns it as Candid text, using the types of the method. Without a method,
/// fields have numbers instead of names.
///
/// # Errors
/// When the reply is not Candid, or does not have the types of the method.
pub fn decode(bytes: &[u8], method: Option<(&TypeEnv, &Function)>) -> anyhow::Result<String> {
    let args = match method {
        Some((env, function)) => IDLArgs::from_bytes_with_types(bytes, env, &function.rets)
            .with_context(|| {
                format!("the reply does not have the types {}", list(&function.rets))
            })?,
        None => IDLArgs::from_bytes(bytes).context("the reply is not Candid")?,
    };
    Ok(args.to_string())
}

/// Formats types as an argument list.
#[must_use]
pub fn list(types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(one_line).collect();
    format!("({})", types.join(", "))
}

/// Formats the type of a method as one line.
#[must_use]
pub fn signature(function: &Function) -> String {
    let text = function.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_line(ty: &Type) -> String {
    ty.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
