"""Speed, as ratios against floors measured in the same run: `make bench`, `make bench QUICK=1`."""
