# Redraws histogram.svg and histogram.png from histogram.dat: gnuplot histogram.gp
# First what the results say, then the script.
name = 'histogram'
suite = 'original'
runs = '20 runs a point'
machine = 'AMD EPYC, 2 CPUs; commit 84e01653 (changed); 2026-11-23'
rows = 6
combed = 0
array row_name[6]
array row_unit[6]
array row_end[6]
array row_poll[6]
array row_teeth[6]
array note[12]
row_name[1] = '1x1: 1x1, 100 items, capacity 10'
row_unit[1] = 'ms'
row_end[1] = 3.473408
row_poll[1] = -1e-06
row_teeth[1] = 0
note[1] = 'put, n = 2000, longest 3.14 ms'
note[2] = 'get, n = 2000, 2 beyond, longest 6.4 ms'
row_name[2] = '2x2: 2x2, 100 items, capacity 10'
row_unit[2] = 'ms'
row_end[2] = 5.308416
row_poll[2] = -1e-06
row_teeth[2] = 0
note[3] = 'put, n = 4000, 4 beyond, longest 12.2 ms'
note[4] = 'get, n = 4000, 4 beyond, longest 12.2 ms'
row_name[3] = '4x4: 4x4, 100 items, capacity 10'
row_unit[3] = 'ms'
row_end[3] = 6.750208
row_poll[3] = -1e-06
row_teeth[3] = 0
note[5] = 'put, n = 8000, longest 6.53 ms'
note[6] = 'get, n = 8000, longest 6.7 ms'
row_name[4] = 'more-items: 2x2, 500 items, capacity 10'
row_unit[4] = 'ms'
row_end[4] = 3.244032
row_poll[4] = -1e-06
row_teeth[4] = 0
note[7] = 'put, n = 20000, 33 beyond, longest 8.3 ms'
note[8] = 'get, n = 20000, 34 beyond, longest 8.2 ms'
row_name[5] = 'small-buffer: 2x2, 100 items, capacity 5'
row_unit[5] = 'ms'
row_end[5] = 4.718592
row_poll[5] = -1e-06
row_teeth[5] = 0
note[9] = 'put, n = 4000, 2 beyond, longest 8.93 ms'
note[10] = 'get, n = 4000, 2 beyond, longest 8.86 ms'
row_name[6] = '8x8: 8x8, 50 items, capacity 20'
row_unit[6] = 'ms'
row_end[6] = 22.544384
row_poll[6] = -1e-06
row_teeth[6] = 0
note[11] = 'put, n = 8000, 8 beyond, longest 42.3 ms'
note[12] = 'get, n = 8000, 8 beyond, longest 42.2 ms'
longest = 0
left_out = ''
# Latency histograms: put at the left, get at the right, a row for each point.

load "style.gp"

title = "Latency histogram: ".suite
question = "Is there a comb, a second mode, a cliff?"
bars = "All operations of a point pooled (".runs."), in bins of equal width".(combed ? "; orange lines: multiples of the poll interval" : "")
panel_height = 305
height = head + foot + rows * panel_height

set logscale y
set yrange [0.7:*]
set style fill solid 1.0 noborder
unset key
array left_edge[2] = [115, 685]

do for [format in formats] {
	@start
	do for [row = 1:rows] {
		top = head + (row - 1) * panel_height
		do for [side = 1:2] {
			set lmargin at screen along(left_edge[side])
			set rmargin at screen along(left_edge[side] + 485)
			set tmargin at screen below(top + 62)
			set bmargin at screen below(top + panel_height - 65)
			set xrange [0:row_end[row]]
			set xlabel "latency [".row_unit[row]."]" offset 0, 0.4
			set ylabel side == 1 ? "operations" : "" offset 0.5, 0
			set label 5 side == 1 ? row_name[row] : "" at screen along(24), screen below(top + 16) left font relative(20)
			set label 6 note[2 * row - 2 + side] at graph 1.0, screen below(top + 46) right font relative(16)
			unset arrow
			do for [tooth = 1:row_teeth[row]] {
				set arrow tooth from tooth * row_poll[row], graph 0 to tooth * row_poll[row], graph 1 nohead back lw 1.5 lc rgb "#e69f00"
			}
			plot "histogram.dat" index 2 * row - 3 + side \
				using (column("latency")):(column("count")):(column("width")) with boxes lc rgb "#0072b2"
			@framed
		}
	}
	@finish
}
