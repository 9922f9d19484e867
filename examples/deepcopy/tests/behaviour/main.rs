//! Tests `fastcopy.deepcopy` from Python.
//!
//! Each Python file in this directory contains test functions with a parameter `deepcopy`. Every
//! test function runs first with `copy.deepcopy`, to check the test itself, and then with
//! `fastcopy.deepcopy`.

use std::ffi::CString;
use std::sync::Once;

use deepcopy::fastcopy;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Runs a test in the interpreter that all tests share, because libtest runs them in one process.
fn with_python(label: &str, test: impl FnOnce(Python<'_>) -> PyResult<()>) {
    static START: Once = Once::new();
    START.call_once(|| {
        pyo3::append_to_inittab!(fastcopy);
        Python::initialize();
    });
    Python::attach(|py| {
        if let Err(error) = test(py) {
            let trace =
                error.traceback(py).and_then(|trace| trace.format().ok()).unwrap_or_default();
            panic!("{label}\n{trace}{error}");
        }
    });
}

fn module<'py>(py: Python<'py>, file: &str, source: &str) -> PyResult<Bound<'py, PyModule>> {
    let name = file.trim_end_matches(".py");
    PyModule::from_code(
        py,
        &CString::new(source)?,
        &CString::new(format!("tests/behaviour/{file}"))?,
        &CString::new(name)?,
    )
}

fn check(file: &str, source: &str, behaviour: &str) {
    for implementation in ["copy", "fastcopy"] {
        with_python(&format!("with {implementation}.deepcopy:"), |py| {
            let deepcopy = py.import(implementation)?.getattr("deepcopy")?;
            module(py, file, source)?.getattr(behaviour)?.call1((deepcopy,))?;
            Ok(())
        });
    }
}

/// Returns the names of all functions whose only parameter is `deepcopy`.
fn behaviours_in(file: &str, source: &str) -> Vec<String> {
    let mut names = Vec::new();
    with_python(file, |py| {
        let locals = PyDict::new(py);
        locals.set_item("module", module(py, file, source)?)?;
        py.run(
            c"import inspect; names = sorted(
                name for name, value in vars(module).items()
                if inspect.isfunction(value)
                and list(inspect.signature(value).parameters) == ['deepcopy']
            )",
            Some(&locals),
            None,
        )?;
        names = locals.as_any().get_item("names")?.extract()?;
        Ok(())
    });
    names
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
                let mut names = vec![$(stringify!($name)),*];
                names.sort_unstable();
                assert_eq!(super::behaviours_in($file, SOURCE), names);
            }
        }
    };
}

behaviours! { containers in "containers.py":
    atomic_objects_are_their_own_copies,
    nested_containers_are_copied,
    empty_containers_are_copied,
    list_may_mix_atomic_and_other_items,
    copied_list_can_grow,
    list_may_contain_itself,
    dict_may_contain_itself,
    tuple_may_contain_itself,
    recursive_tuple_may_be_nested,
    unchanged_tuple_is_its_own_copy,
    changed_tuple_keeps_its_order,
    changed_tuples_may_be_nested,
    shared_references_stay_shared,
    calls_share_no_copies,
    dict_keeps_its_order_and_copies_keys,
    dict_value_is_copied_before_its_key,
    instance_dict_can_be_copied,
    set_items_are_copied,
    set_may_be_reachable_from_its_item,
    bound_method_gets_a_copied_receiver,
    container_subclasses_keep_type_and_attributes,
    class_attribute_does_not_change_the_rule,
}

behaviours! { memo in "memo.py":
    hook_result_is_shared,
    hook_that_returns_self_is_called_each_time,
    hook_that_is_none_is_ignored,
    hook_may_be_an_instance_attribute,
    hook_error_propagates,
    hook_lookup_error_propagates,
    hook_gets_all_copies_in_order,
    memo_without_finished_copies_has_no_originals,
    first_hook_gets_an_empty_memo,
    hook_sees_partial_copies,
    hook_copy_with_memo_is_shared,
    hook_copy_without_memo_is_not_shared,
    memo_entries_added_by_a_hook_are_used,
    memo_entry_removed_by_a_hook_is_copied_again,
    removed_container_is_added_again_when_finished,
    hook_may_replace_the_list_of_originals,
    hook_may_keep_the_memo,
    all_hooks_get_the_same_memo,
    callers_memo_is_read,
    callers_memo_is_filled,
    atomic_objects_are_not_added_to_the_memo,
    memo_may_be_none,
    memo_methods_are_called_in_order,
    memo_may_be_another_mapping,
    memo_must_be_a_mapping,
    memo_error_propagates,
    temporary_objects_are_not_confused,
}

behaviours! { reduce in "reduce.py":
    attributes_are_copied,
    object_may_refer_to_itself,
    slots_are_copied,
    attributes_bypass_setattr,
    constructor_arguments_are_copied,
    getstate_and_setstate_are_used,
    registry_precedes_methods,
    registry_applies_to_sets_but_not_lists,
    reduce_is_used_without_reduce_ex,
    uncopyable_object_raises_copy_error,
    unpicklable_object_raises_type_error,
    reduced_string_means_the_object_itself,
    two_to_five_reduced_items_are_accepted,
    other_item_counts_raise_type_error,
    reduced_value_must_be_iterable,
    arguments_may_be_any_iterable,
    arguments_are_copied_one_by_one,
    falsy_arguments_are_not_copied,
    items_are_added_by_overridden_methods,
    state_pair_sets_dict_and_slots,
    state_may_be_a_mapping_or_pairs,
    object_may_reduce_to_itself,
    newobj_may_be_explicit,
    standard_library_classes_are_copied,
    dynamic_attributes_are_ignored,
}

behaviours! { hostile in "hostile.py":
    growing_dict_raises_runtime_error,
    shrinking_dict_raises_runtime_error,
    cleared_dict_raises_runtime_error,
    removed_last_item_raises_runtime_error,
    changed_keys_raise_runtime_error,
    changed_dict_values_are_copied,
    added_attribute_raises_runtime_error,
    growing_list_is_copied_with_new_items,
    shrinking_list_is_copied_to_its_new_end,
    inserted_item_shifts_the_rest,
    changing_set_is_copied_unchanged,
    partial_copy_may_be_changed,
    dropped_original_stays_alive,
    garbage_collection_may_run_at_any_time,
    deep_nesting_raises_recursion_error,
    nested_frozensets_raise_recursion_error,
    hundreds_of_levels_are_copied,
    endless_hooks_raise_recursion_error,
    endless_reduction_raises_recursion_error,
    unhashable_copied_key_raises_type_error,
    equal_copied_keys_are_merged,
    failed_copy_leaks_no_references,
    copy_keeps_reference_counts,
    copies_die_with_their_last_reference,
    module_copy_is_unchanged,
}

behaviours! { random_graphs in "random_graphs.py":
    random_graphs_have_equal_copies,
    random_graphs_with_hooks_have_equal_copies,
    random_graphs_fill_equal_memos,
}
