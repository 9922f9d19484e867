;; A module that was built by Go with GOOS=js.
;; policy: wasip1
(module
  (import "gojs" "runtime.scheduleTimeoutEvent" (func $timeout (param i32)))
  (import "gojs" "syscall/js.valueGet" (func (param i32)))
  (func (export "run") (call $timeout (i32.const 0))))
