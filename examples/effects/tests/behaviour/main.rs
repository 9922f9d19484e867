//! What the module `effects` does, told in Python.
//!
//! Each Python file beside this one is a group of behaviours: its functions without a parameter.

use std::ffi::CString;
use std::sync::Once;

use effects::effects;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// libtest runs all tests in one process, which has one interpreter.
fn with_python(test: impl FnOnce(Python<'_>) -> PyResult<()>) {
    static START: Once = Once::new();
    START.call_once(|| {
        pyo3::append_to_inittab!(effects);
        Python::initialize();
    });
    Python::attach(|py| {
        if let Err(error) = test(py) {
            let trace =
                error.traceback(py).and_then(|trace| trace.format().ok()).unwrap_or_default();
            panic!("{trace}{error}");
        }
    });
}

fn module<'py>(py: Python<'py>, file: &str, source: &str) -> PyResult<Bound<'py, PyModule>> {
    PyModule::from_code(
        py,
        &CString::new(source)?,
        &CString::new(format!("tests/behaviour/{file}"))?,
        &CString::new(file.trim_end_matches(".py"))?,
    )
}

fn check(file: &str, source: &str, behaviour: &str) {
    with_python(|py| {
        module(py, file, source)?.getattr(behaviour)?.call0()?;
        Ok(())
    });
}

/// What a script prints.
fn output(script: &str) -> String {
    let mut output = String::new();
    with_python(|py| {
        let globals = PyDict::new(py);
        globals.set_item("script", script)?;
        py.run(
            c"import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as output:
    exec(compile(script, 'script', 'exec'), {'__name__': '__main__'})
output = output.getvalue()",
            Some(&globals),
            None,
        )?;
        output = globals.as_any().get_item("output")?.extract()?;
        Ok(())
    });
    output
}

macro_rules! behaviours {
    ($group:ident in $file:literal: $($name:ident),* $(,)?) => {
        mod $group {
            const SOURCE: &str = include_str!($file);

            $(
                #[test]
                fn $name() {
                    super::check($file, SOURCE, stringify!($name));
                }
            )*

            #[test]
            fn every_behaviour_is_a_test() {
                let listed = [$(stringify!($name)),*];
                let written: Vec<&str> = SOURCE
                    .lines()
                    .filter_map(|line| line.strip_prefix("def ")?.strip_suffix("():"))
                    .collect();
                assert_eq!(listed[..], written);
            }
        }
    };
}

behaviours! { programs in "programs.py":
    the_result_of_a_run_is_what_the_program_returns,
    a_program_goes_on_where_it_yielded,
    a_program_runs_another_one_by_yielding_it,
    an_effect_or_an_order_is_a_program_of_one_yield,
    an_exception_goes_through_the_callers_with_its_traceback,
    a_caller_can_catch_and_clean_up,
    what_is_raised_while_another_exception_is_handled_has_it_as_context,
    exceptions_that_are_no_errors_go_the_same_way,
    a_stop_iteration_is_never_taken_for_a_result,
    programs_nest_deeper_than_any_stack,
    an_exception_comes_up_from_any_depth,
    what_is_no_program_is_refused_with_what_to_do,
    a_generator_that_was_started_is_refused,
    what_means_nothing_is_refused_where_it_is_yielded,
    what_means_nothing_is_refused_after_an_exception_too,
    a_program_can_return_after_an_exception,
    a_program_can_run_another_run,
    runs_that_never_stop_nesting_end_with_a_recursion_error,
    what_is_yielded_is_shown_as_it_is_written,
    what_is_yielded_cannot_be_changed,
}

behaviours! { handlers in "handlers.py":
    a_handler_answers_the_effects_of_users,
    a_handler_comes_back_with_the_result_of_what_it_is_around,
    a_transferring_handler_does_not_come_back,
    any_callable_is_a_handler_and_may_just_return_an_order,
    without_a_resumption_the_handlers_result_is_the_result_and_the_rest_is_closed,
    what_a_handler_raises_goes_on_after_the_rest_is_closed,
    a_handler_can_catch_what_is_raised_above_it,
    a_handler_is_not_offered_its_own_effects,
    a_handler_is_offered_the_effects_of_what_it_resumed,
    delegating_offers_the_effect_further_out,
    delegating_ends_the_handler,
    another_effect_can_be_delegated_in_its_place,
    only_an_effect_can_be_delegated,
    who_has_resumed_cannot_delegate,
    an_unhandled_effect_is_named_where_it_was_performed,
    an_unhandled_effect_that_cannot_be_shown_is_still_named,
    every_effect_is_offered_to_handlers_first,
    the_handlers_around_are_told_innermost_first,
    what_cannot_handle_is_refused,
    a_handler_of_other_parameters_raises_where_it_is_around,
    an_effect_in_a_finally_block_is_handled_when_an_exception_goes_through,
    ten_thousand_handlers_can_wait_for_their_resumptions,
}

behaviours! { continuations in "continuations.py":
    a_continuation_is_resumed_once,
    a_continuation_that_was_transferred_to_cannot_be_resumed,
    a_continuation_can_be_resumed_by_whoever_holds_it,
    what_is_raised_after_a_resumption_comes_to_who_resumed,
    a_created_continuation_is_started_before_it_is_resumed,
    a_created_continuation_has_the_handlers_that_it_was_created_with,
    a_captured_continuation_is_resumed_by_either_order,
    a_handler_can_ask_for_its_continuation,
    a_program_that_a_handler_calls_acts_for_it,
    what_is_for_handlers_is_refused_elsewhere,
    a_continuation_of_another_run_is_refused,
    what_is_no_continuation_is_refused,
    a_dropped_continuation_is_closed_at_once,
    what_is_held_after_the_run_is_closed_with_it,
    a_handler_that_raised_has_given_its_continuation_up,
    a_created_continuation_that_is_never_started_never_runs,
    an_effect_of_what_is_closed_is_reported_not_lost,
    a_scheduler_can_be_written_in_python,
}

behaviours! { store in "store.py":
    what_is_put_can_be_got,
    what_was_never_put_is_a_key_error_of_who_gets_it,
    modifying_puts_and_answers_what_the_function_makes,
    a_function_that_raises_modifies_nothing,
    the_environment_is_asked_and_never_changes,
    a_handler_can_be_an_environment_of_its_own,
    what_is_told_is_logged_in_order,
    a_store_goes_on_with_the_next_run,
    a_store_keeps_what_a_failing_run_did,
    a_run_has_its_store_for_itself,
    a_store_is_not_changed_from_outside,
    names_are_text,
    what_is_put_lives_as_long_as_its_store,
}

behaviours! { tasks in "tasks.py":
    gathered_results_are_in_the_order_of_the_tasks,
    tasks_take_turns_in_the_order_of_their_spawning,
    every_run_takes_the_same_turns,
    who_spawns_goes_on_and_the_task_waits_for_its_turn,
    gathering_raises_the_first_failure_and_the_others_go_on,
    a_task_can_be_waited_for_again,
    the_first_to_end_wins_the_race_and_the_losers_are_closed,
    a_loser_that_never_had_a_turn_is_not_started,
    a_race_can_be_won_by_a_failure,
    a_race_has_to_have_a_task,
    who_waits_for_a_loser_is_told,
    a_loser_that_waits_is_closed_and_what_it_waits_for_goes_on,
    tasks_share_the_store,
    a_task_has_the_handlers_of_who_spawned_it,
    a_continuation_can_be_resumed_in_another_task,
    a_deadlock_is_raised_where_the_first_program_waits,
    a_task_cannot_wait_for_itself,
    a_task_of_another_run_is_refused,
    what_is_no_task_is_refused,
    the_run_ends_with_its_first_program_and_closes_the_tasks,
    a_failure_that_nobody_waited_for_is_reported,
    a_failure_that_was_raised_somewhere_is_not_reported,
    what_two_wait_for_is_raised_in_both,
}

#[test]
fn the_example_of_the_readme_runs() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```").nth(1).and_then(|block| block.strip_prefix("python\n"));
    assert_eq!(
        output(example.unwrap()),
        "['Ada has tea', 'Brian has water'] {'tea': 0, 'water': 8}\n"
    );
}

#[test]
fn the_demo_prints_what_its_programs_did() {
    assert_eq!(
        output(include_str!("../../python/demo.py")),
        "\
give_up [7, 10, None]
empty_page [7, 10, 0]
fastest 10
{'pages': 6}
/nowhere is missing
/ has 7 characters
/about has 10 characters
/ has 7 characters
/about has 10 characters
/nowhere has 0 characters
/nowhere was taken for empty
/about has 10 characters
"
    );
}
