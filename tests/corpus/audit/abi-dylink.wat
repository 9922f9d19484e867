;; A shared library, such as a Python extension module that was built with `-shared`.
;; policy: wasip1
(module
  (@custom "dylink.0" (before first) "\01\04\00\00\00\00")
  (import "env" "memory" (memory 0))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (import "env" "__stack_pointer" (global (mut i32)))
  (import "env" "__memory_base" (global i32))
  (import "GOT.mem" "_Py_NoneStruct" (global (mut i32)))
  (import "env" "PyModule_Create2" (func $create (param i32 i32) (result i32)))
  (func (export "PyInit__speed") (result i32) (call $create (i32.const 0) (i32.const 1013))))
