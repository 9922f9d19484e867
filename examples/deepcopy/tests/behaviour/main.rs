//! What `fastcopy.deepcopy` does, told in Python.
//!
//! Each Python file beside this one holds functions that take a `deepcopy`. Every function is run
//! with CPython's own first: what it does not do is not asked of ours.

use std::ffi::CString;
use std::sync::Once;

use deepcopy::fastcopy;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// libtest runs all tests in one process, which has one interpreter.
fn with_python(what: &str, test: impl FnOnce(Python<'_>) -> PyResult<()>) {
    static START: Once = Once::new();
    START.call_once(|| {
        pyo3::append_to_inittab!(fastcopy);
        Python::initialize();
    });
    Python::attach(|py| {
        if let Err(error) = test(py) {
            let trace =
                error.traceback(py).and_then(|trace| trace.format().ok()).unwrap_or_default();
            panic!("{what}\n{trace}{error}");
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

/// The names of all functions with the one parameter `deepcopy`.
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
            fn no_behaviour_of_the_file_is_left_out() {
                let mut names = vec![$(stringify!($name)),*];
                names.sort_unstable();
                assert_eq!(super::behaviours_in($file, SOURCE), names);
            }
        }
    };
}

behaviours! { containers in "containers.py":
    atomic_objects_are_their_own_copies,
    nested_containers_are_copied_at_every_level,
    empty_containers_are_copied,
    atoms_and_others_may_be_mixed_in_a_list,
    a_copied_list_can_grow,
    a_list_may_contain_itself,
    a_dict_may_contain_itself,
    a_tuple_may_contain_itself_through_a_list,
    a_tuple_that_contains_itself_may_be_an_item_of_another,
    a_tuple_without_changes_is_its_own_copy,
    a_changed_tuple_keeps_the_order_of_its_items,
    changed_tuples_may_be_nested_in_each_other,
    shared_references_stay_shared,
    two_calls_share_nothing,
    dicts_keep_their_order_and_have_their_keys_copied,
    a_value_is_copied_before_its_key,
    a_dict_of_instance_attributes_can_be_copied,
    sets_are_copied_with_their_items,
    a_set_may_be_reached_from_its_own_item,
    bound_methods_get_a_copied_receiver,
    subclasses_of_containers_keep_type_items_and_attributes,
    an_object_that_claims_another_class_is_copied_by_its_type,
}

behaviours! { memo in "memo.py":
    a_hook_makes_the_copy_and_shared_references_share_it,
    a_hook_that_returns_the_object_is_asked_each_time,
    a_hook_that_is_none_counts_as_absent,
    a_hook_may_be_an_attribute_of_the_instance,
    an_error_of_a_hook_is_passed_on,
    an_error_on_the_way_to_the_hook_is_passed_on,
    a_hook_gets_a_dict_with_all_copies_in_the_order_they_were_made,
    a_memo_without_finished_copies_keeps_no_originals,
    a_hook_gets_an_empty_memo_when_it_comes_first,
    a_hook_sees_half_made_copies,
    what_a_hook_copies_with_the_memo_is_shared,
    what_a_hook_copies_without_the_memo_is_not_shared,
    what_a_hook_puts_into_the_memo_counts,
    what_a_hook_removes_from_the_memo_is_copied_again,
    a_container_removed_while_it_is_copied_is_noted_again,
    a_hook_may_replace_the_list_of_originals,
    a_hook_may_keep_the_memo,
    every_hook_of_a_copy_gets_the_same_memo,
    the_callers_memo_is_read,
    the_callers_memo_is_filled,
    own_copies_do_not_enter_the_memo,
    a_memo_that_is_none_is_no_memo,
    a_memo_may_be_any_mapping_and_is_asked_as_such,
    a_memo_that_is_no_dict_works,
    a_memo_that_is_no_mapping_is_refused,
    an_error_of_the_memo_is_passed_on,
    temporary_objects_are_not_taken_for_one_another,
}

behaviours! { reduce in "reduce.py":
    plain_objects_are_copied_with_their_attributes,
    an_object_may_refer_to_itself,
    slots_are_copied_with_and_without_a_dict,
    an_attribute_set_by_a_property_goes_around_the_property,
    constructor_arguments_are_copied,
    getstate_and_setstate_are_used,
    the_registry_comes_before_the_methods,
    the_registry_rules_over_sets_but_not_over_lists,
    reduce_is_used_where_reduce_ex_is_missing,
    what_can_not_be_copied_is_an_error_of_copy,
    what_can_not_be_pickled_is_a_type_error,
    a_reduced_string_means_the_object_itself,
    two_to_five_reduced_items_are_taken,
    another_number_of_reduced_items_is_a_type_error,
    what_is_reduced_to_no_sequence_is_a_type_error,
    arguments_may_be_any_iterable,
    arguments_are_copied_one_by_one_as_they_come,
    arguments_that_are_false_are_not_copied,
    items_are_given_to_methods_that_a_class_overrides,
    a_pair_of_states_is_for_dict_and_slots,
    a_state_may_be_any_mapping_or_pairs,
    an_object_that_makes_itself_is_its_own_copy,
    newobj_may_be_given_by_hand,
    classes_of_the_standard_library_are_copied,
    an_attribute_of_every_name_does_not_confuse_the_copy,
}

behaviours! { hostile in "hostile.py":
    a_dict_that_grows_meanwhile_is_a_runtime_error,
    a_dict_that_shrinks_meanwhile_is_a_runtime_error,
    a_dict_that_is_cleared_meanwhile_is_a_runtime_error,
    a_dict_whose_last_item_removes_itself_is_a_runtime_error,
    a_dict_whose_keys_change_meanwhile_is_a_runtime_error,
    a_dict_whose_values_change_meanwhile_is_copied_as_it_is_then,
    attributes_that_change_meanwhile_are_a_runtime_error,
    a_list_that_grows_meanwhile_is_copied_with_what_came_in,
    a_list_that_shrinks_meanwhile_is_copied_as_far_as_it_goes,
    items_inserted_before_the_hook_shift_the_rest,
    a_set_that_changes_meanwhile_is_copied_as_it_was,
    a_half_made_copy_may_be_changed,
    what_the_hook_lets_go_of_stays_alive_while_it_is_copied,
    garbage_collection_at_any_moment_is_harmless,
    too_deep_nesting_is_a_recursion_error,
    frozensets_in_each_other_are_a_recursion_error,
    nesting_of_some_hundred_levels_is_copied,
    a_hook_without_end_is_a_recursion_error,
    reducing_without_end_is_a_recursion_error,
    a_key_that_can_not_be_hashed_after_the_copy_is_an_error,
    keys_that_become_equal_are_merged,
    an_error_half_way_leaves_nothing_behind,
    a_copy_leaves_the_reference_counts_of_the_originals_as_they_were,
    copies_are_freed_with_their_last_reference,
    the_tables_of_copy_are_untouched,
}

behaviours! { random_graphs in "random_graphs.py":
    random_graphs_are_copied_alike,
    random_graphs_with_hooks_are_copied_alike,
    random_graphs_fill_a_memo_alike,
}
