// Assertions of the debug build (asconfig.json), whose failure the host throws as an AssertionError. The
// release build leaves them out, conditions included: it could not leave out a bare `assert` whose condition
// loads from memory.

/** Whether this is the debug build. Every assertion stands behind it: `if (ASSERTS) assert(…)`. */
export const ASSERTS: bool = !ASC_NO_ASSERT;
