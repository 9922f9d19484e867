//! Tests the module `effects` from Python.
//!
//! Each Python file in this directory is a group of tests. Each of its functions without parameters
//! is a test.

use std::ffi::CString;
use std::sync::Once;

use effects::effects;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Runs a test in the interpreter that all tests share, because libtest runs them in one process.
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

/// Returns the output of a script.
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
            fn every_behaviour_in_the_file_is_listed() {
                let listed = [$(stringify!($name)),*];
                let defined: Vec<&str> = SOURCE
                    .lines()
                    .filter_map(|line| line.strip_prefix("def ")?.strip_suffix("():"))
                    .collect();
                assert_eq!(listed[..], defined);
            }
        }
    };
}

behaviours! { programs in "programs.py":
    run_returns_the_programs_result,
    program_continues_where_it_yielded,
    program_is_called_by_yielding_it,
    effect_or_control_operation_is_a_program,
    traceback_includes_all_callers,
    callers_can_catch_and_clean_up,
    exception_keeps_its_context,
    base_exceptions_propagate,
    stop_iteration_is_not_a_result,
    deeply_nested_programs_run,
    exception_propagates_from_any_depth,
    other_objects_are_not_programs,
    started_generator_is_refused,
    invalid_yield_raises_type_error,
    invalid_yield_after_exception_raises_type_error,
    program_returns_after_caught_exception,
    runs_may_be_nested,
    endless_nested_runs_raise_recursion_error,
    repr_and_match_use_constructor_arguments,
    yielded_objects_are_immutable,
}

behaviours! { handlers in "handlers.py":
    handler_answers_user_defined_effects,
    resume_returns_the_result_of_the_body,
    transfer_does_not_return,
    any_callable_may_be_a_handler,
    handler_without_resume_replaces_the_result,
    body_is_closed_before_handler_error_propagates,
    handler_catches_exception_after_resume,
    handler_does_not_receive_its_own_effects,
    handler_receives_effects_after_resume,
    delegate_offers_the_effect_to_outer_handlers,
    delegate_ends_the_handler,
    delegate_may_replace_the_effect,
    delegate_accepts_only_effects,
    delegate_after_resume_is_refused,
    unhandled_effect_is_named,
    unhandled_effect_without_repr_is_named,
    builtin_effects_are_offered_to_handlers_first,
    get_handlers_returns_innermost_first,
    invalid_handlers_are_refused,
    handler_with_wrong_parameters_raises_type_error,
    effect_in_finally_block_is_handled,
    ten_thousand_handlers_may_wait,
}

behaviours! { continuations in "continuations.py":
    continuation_is_resumed_once,
    transferred_continuation_cannot_be_resumed,
    continuation_may_be_resumed_outside_the_handler,
    exception_after_resume_propagates_to_the_resumer,
    created_continuation_must_be_started_first,
    created_continuation_has_its_handlers,
    resume_continuation_resumes_captured_continuations,
    handler_gets_its_continuation,
    program_called_by_a_handler_may_resume,
    handler_operations_are_refused_elsewhere,
    continuation_of_another_run_is_refused,
    other_objects_are_not_continuations,
    dropped_continuation_is_closed_at_once,
    continuation_held_after_the_run_is_closed,
    raising_handler_abandons_its_continuation,
    unstarted_continuation_does_not_run,
    yield_while_closing_is_reported,
    scheduler_can_be_written_in_python,
}

behaviours! { store in "store.py":
    get_returns_the_value_of_put,
    missing_key_raises_key_error,
    modify_stores_and_answers_the_result,
    failed_modify_changes_nothing,
    environment_is_constant,
    handler_may_override_the_environment,
    messages_are_logged_in_order,
    store_is_reused_by_the_next_run,
    store_survives_a_failed_run,
    store_is_exclusive_to_a_run,
    store_copies_its_dicts,
    keys_must_be_strings,
    values_live_as_long_as_the_store,
}

behaviours! { tasks in "tasks.py":
    gather_keeps_the_order_of_tasks,
    tasks_run_in_the_order_they_were_spawned,
    scheduling_is_deterministic,
    spawner_continues_first,
    gather_raises_the_first_failure,
    task_can_be_waited_for_repeatedly,
    first_task_to_end_wins_and_others_are_closed,
    unstarted_loser_does_not_run,
    failure_may_win_a_race,
    race_needs_a_task,
    waiting_for_a_loser_raises_task_cancelled,
    waiting_loser_is_closed_but_its_tasks_continue,
    tasks_share_the_store,
    task_inherits_the_handlers_of_its_spawner,
    continuation_may_be_resumed_in_another_task,
    deadlock_is_raised_in_the_main_program,
    task_cannot_wait_for_itself,
    task_of_another_run_is_refused,
    other_objects_are_not_tasks,
    run_ends_with_the_main_program,
    unobserved_failure_is_reported,
    observed_failure_is_not_reported,
    failure_is_raised_in_every_waiting_task,
}

#[test]
fn readme_example_runs() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```").nth(1).and_then(|block| block.strip_prefix("python\n"));
    assert_eq!(
        output(example.unwrap()),
        "['Ada has tea', 'Brian has water'] {'tea': 0, 'water': 8}\n"
    );
}

#[test]
fn demo_prints_its_results() {
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
/nowhere was treated as empty
/about has 10 characters
"
    );
}
