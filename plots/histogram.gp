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
