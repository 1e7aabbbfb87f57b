# How long it takes until others go on after a fault, kind by kind.

load "style.gp"

title = "Going on after a fault: ".suite
question = "How long is it until somebody else has done something, by what happened to whom?"
bars = "Small: one fault each; large: a lane's median; at the right: faults, median, longest. Alone at its time only; ".runs
row_height = 66
panel_height = 150 + row_height * rows
height = head + foot + panel_height

set logscale x
set xrange [time_low:time_high]
set yrange [rows + 0.5:0.5]
set xlabel "from the fault to the end of somebody else's operation that began after it [ms, log scale]"

do for [format in formats] {
	@start
	set lmargin at screen along(215)
	set rmargin at screen along(950)
	set tmargin at screen below(head + 20)
	set bmargin at screen below(head + 20 + row_height * rows)
	set xtics ()
	set for [i = 1:time_ticks] xtics add (sprintf("%g", time_tick[i]) time_tick[i])
	set ytics ()
	set for [i = 1:rows] ytics add (row_name[i] i)
	set grid xtics noytics
	set for [i = 1:rows] label 100 + i row_note[i] at screen along(965), first i left font relative(15)
	set for [i = 1:rows - 1] arrow 100 + i from graph 0, first i + 0.5 to graph 1, first i + 0.5 nohead lc rgb "#d8d8d8"
	if (resume >= time_low && resume <= time_high) {
		set arrow 1 from first resume, graph 0 to first resume, graph 1 nohead lw 1.5 dt (12, 7) lc rgb quiet
		set label 6 "resume" at first resume, graph 1.02 center font relative(15) tc rgb quiet
	}
	if (lease >= time_low && lease <= time_high) {
		set arrow 2 from first lease, graph 0 to first lease, graph 1 nohead lw 1.5 dt (12, 7) lc rgb quiet
		set label 7 "lease" at first lease, graph 1.02 center font relative(15) tc rgb quiet
	}
	set key at screen along(215), screen below(head + panel_height - 42) left top Left reverse horizontal maxrows 1 samplen 1
	plot for [i = 1:places] "faults.dat" index 2 * (i - 1) using (column("time")):(column("lane")) \
			with points lt place_style[i] + 2 pt 7 ps 0.45 notitle, \
		for [i = 1:places] "faults.dat" index 2 * (i - 1) + 1 using (column("time")):(column("lane")) \
			with points lt place_style[i] + 2 ps 1.6 title place_name[i]
	@framed
	@finish
}
