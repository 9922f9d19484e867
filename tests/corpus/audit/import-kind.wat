;; What is no function has to be given by the host, too.
;; policy: wasip1
(module
  (import "env" "memory" (memory 1))
  (import "env" "table" (table 1 funcref))
  (import "env" "__stack_pointer" (global (mut i32)))
  (import "env" "error" (tag (param i32))))
