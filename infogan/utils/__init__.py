"""What any module may use: errors, files, locks, signals, random generators, and the style of plots."""
