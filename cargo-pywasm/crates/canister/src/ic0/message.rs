//! Functions about the message: its argument, caller, reply and cycles.

use super::Function as F;
use super::Type::{I32, I64, Word};
use crate::guest::{Answer, Guest};
use crate::mode::{Modes, sets};
use crate::system::Response;

const COPY: &[super::Type] = &[Word, Word, Word];

/// On this host, messages carry no cycles, deadline or caller info.
const NONE: u64 = 0;

pub(super) const FUNCTIONS: &[F] = &[
    F::new("msg_arg_data_size", &[], Some(Word), sets::ARGUMENT, |g, _| {
        Ok(g.system().facts.argument.len() as u64)
    }),
    F::new("msg_arg_data_copy", COPY, None, sets::ARGUMENT, |g, a| {
        let argument = g.system().facts.argument.clone();
        g.copy(a[0], a[1], a[2], &argument)
    }),
    F::new("msg_caller_size", &[], Some(Word), sets::ANY, |g, _| {
        Ok(g.system().facts.caller.as_slice().len() as u64)
    }),
    F::new("msg_caller_copy", COPY, None, sets::ANY, |g, a| {
        let caller = g.system().facts.caller;
        g.copy(a[0], a[1], a[2], caller.as_slice())
    }),
    F::new("msg_caller_info_data_size", &[], Some(Word), sets::CALLER_INFO, |_, _| Ok(NONE)),
    F::new("msg_caller_info_data_copy", COPY, None, sets::CALLER_INFO, |g, a| {
        g.copy(a[0], a[1], a[2], &[])
    }),
    F::new("msg_caller_info_signer_size", &[], Some(Word), sets::CALLER_INFO, |_, _| Ok(NONE)),
    F::new("msg_caller_info_signer_copy", COPY, None, sets::CALLER_INFO, |g, a| {
        g.copy(a[0], a[1], a[2], &[])
    }),
    F::new("msg_reject_code", &[], Some(I32), sets::REJECT_CODE, |g, _| {
        Ok(g.system().facts.rejected.as_ref().map_or(0, |(code, _)| u64::from(*code)))
    }),
    F::new("msg_reject_msg_size", &[], Some(Word), sets::REJECT_MESSAGE, |g, _| {
        Ok(rejection(g).len() as u64)
    }),
    F::new("msg_reject_msg_copy", COPY, None, sets::REJECT_MESSAGE, |g, a| {
        let message = rejection(g);
        g.copy(a[0], a[1], a[2], message.as_bytes())
    }),
    F::new("msg_deadline", &[], Some(I64), sets::ANSWER, |_, _| Ok(NONE)),
    F::new("msg_reply_data_append", &[Word, Word], None, sets::ANSWER, append),
    F::new("msg_reply", &[], None, sets::ANSWER, |g, _| {
        let reply = std::mem::take(&mut g.system().reply);
        respond(g, Response::Reply(reply))
    }),
    F::new("msg_reject", &[Word, Word], None, sets::ANSWER, |g, a| {
        let message = g.text(a[0], a[1])?;
        respond(g, Response::Reject(message))
    }),
    F::new("msg_cycles_available", &[], Some(I64), sets::CYCLES_IN, |_, _| Ok(NONE)),
    F::new("msg_cycles_available128", &[Word], None, sets::CYCLES_IN, |g, a| {
        g.write_cycles(a[0], 0)
    }),
    F::new("msg_cycles_accept", &[I64], Some(I64), sets::CYCLES_IN, |_, _| Ok(NONE)),
    F::new("msg_cycles_accept128", &[I64, I64, Word], None, sets::CYCLES_IN, |g, a| {
        g.write_cycles(a[2], 0)
    }),
    F::new("msg_cycles_refunded", &[], Some(I64), sets::REFUND, |g, _| {
        super::call::in_64_bits(g.system().facts.refunded)
    }),
    F::new("msg_cycles_refunded128", &[Word], None, sets::REFUND, |g, a| {
        let refunded = g.system().facts.refunded;
        g.write_cycles(a[0], refunded)
    }),
    F::new("msg_method_name_size", &[], Some(Word), sets::INSPECT, |g, _| {
        Ok(g.system().facts.method.len() as u64)
    }),
    F::new("msg_method_name_copy", COPY, None, sets::INSPECT, |g, a| {
        let method = g.system().facts.method.clone();
        g.copy(a[0], a[1], a[2], method.as_bytes())
    }),
    F::new("accept_message", &[], None, sets::INSPECT, |g, _| {
        if std::mem::replace(&mut g.system().accepted, true) {
            return Err("the message was already accepted".to_owned());
        }
        Ok(0)
    }),
    // These functions are defined because the policy lists them, but no mode may call them: only
    // the cycles minting canister may.
    F::new("mint_cycles", &[I64], Some(I64), Modes::of(&[]), |_, _| Ok(0)),
    F::new("mint_cycles128", &[I64, I64, Word], None, Modes::of(&[]), |_, _| Ok(0)),
];

fn rejection(g: &mut Guest<'_, '_>) -> String {
    g.system().facts.rejected.as_ref().map(|(_, message)| message.clone()).unwrap_or_default()
}

fn append(g: &mut Guest<'_, '_>, a: &[u64]) -> Answer {
    check_open(g)?;
    let bytes = g.read(a[0], a[1])?;
    let system = g.system();
    let max = system.facts.max_reply;
    if system.reply.len() + bytes.len() > max {
        return Err(format!(
            "the reply would have {} bytes, but the limit is {max}",
            system.reply.len() + bytes.len()
        ));
    }
    system.reply.extend_from_slice(&bytes);
    Ok(0)
}

fn respond(g: &mut Guest<'_, '_>, response: Response) -> Answer {
    check_open(g)?;
    g.system().response = Some(response);
    Ok(0)
}

/// Checks that the message has no response yet.
fn check_open(g: &mut Guest<'_, '_>) -> Answer<()> {
    match &g.system().response {
        None => Ok(()),
        Some(Response::Reply(_)) => Err("the message was already replied to".to_owned()),
        Some(Response::Reject(_)) => Err("the message was already rejected".to_owned()),
    }
}
