"""Which fit is worth starting next: pure state machines, without Ray and without a clock."""
