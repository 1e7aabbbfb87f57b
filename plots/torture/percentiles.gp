# Redraws percentiles.svg and percentiles.png from percentiles.dat: gnuplot percentiles.gp
# First what the results say, then the script.
name = 'percentiles'
suite = 'torture'
runs = '1 run a point'
machine = 'AMD EPYC, 2 CPUs; commit 126fb046; 2026-11-23'
y_unit = 'ms'
y_low = 0.1960784314
y_high = 10200
y_ticks = 5
array y_tick[5]
y_tick[1] = 1
y_tick[2] = 10
y_tick[3] = 100
y_tick[4] = 1000
y_tick[5] = 10000
array tick_at[5]
array tick_name[5]
tick_at[1] = 1
tick_name[1] = '0'
tick_at[2] = 2
tick_name[2] = '50'
tick_at[3] = 10
tick_name[3] = '90'
tick_at[4] = 100
tick_name[4] = '99'
tick_at[5] = 1000
tick_name[5] = '99.9'
ticks = 5
maximum_at = 22094.5
series = 12
panels = 2
per_panel = 6
array series_name[12]
series_name[1] = 'by-kind, control'
series_name[2] = 'by-kind, kill'
series_name[3] = 'by-kind, pause'
series_name[4] = 'by-kind, freeze'
series_name[5] = 'by-kind, cut'
series_name[6] = 'by-kind, refuse'
series_name[7] = 'by-kind, silence'
series_name[8] = 'by-kind, blackout'
series_name[9] = 'by-kind, drop'
series_name[10] = 'by-kind, duplicate'
series_name[11] = 'by-kind, delay'
series_name[12] = 'by-kind, stall'
longest = 18
left_out = ''
# Latency percentiles of each point, from the merged histograms of its runs.

load "style.gp"

title = "Latency percentiles: ".suite
question = "How long do most operations take, and the unluckiest ones?"
bars = "All operations of a point pooled (".runs."); a curve ends where fewer than 10 operations lie beyond it"
panel_height = 595
height = head + foot + panels * panel_height

set logscale xy
set xrange [1:maximum_at * 2.5]
set yrange [y_low:y_high]
array operation[2] = ["put", "get"]
array left_edge[2] = [105, 685]

do for [format in formats] {
	@start
	do for [panel = 1:panels] {
		first = (panel - 1) * per_panel + 1
		last = panel * per_panel < series ? panel * per_panel : series
		half = (first + last) / 2
		top = head + (panel - 1) * panel_height
		do for [side = 1:2] {
			set lmargin at screen along(left_edge[side])
			set rmargin at screen along(left_edge[side] + 490)
			set tmargin at screen below(top + 20)
			set bmargin at screen below(top + panel_height - 180)
			set label 5 operation[side] at graph 0.02, graph 0.95 left font relative(20)
			set xtics ()
			set for [i = 1:ticks] xtics add (tick_name[i] tick_at[i])
			set xtics add ("max" maximum_at)
			set ytics ()
			set for [i = 1:y_ticks] ytics add (sprintf("%g", y_tick[i]) y_tick[i])
			set xlabel "percentile [%]"
			set ylabel side == 1 ? "latency [".y_unit."]" : "" offset 0.5, 0
			# The legend serves both panels: one half of it stands below each.
			set key at screen along(left_edge[side] - 60), screen below(top + panel_height - 100) \
				left top Left reverse samplen 1.8
			plot for [i = first:last] "percentiles.dat" index (2 * (i - 1) + side - 1) * 3 \
					using (column("x")):(column("latency")) with lines lt i - first + 1 notitle, \
				for [i = first:last] "percentiles.dat" index (2 * (i - 1) + side - 1) * 3 + 1 \
					using (column("x")):(column("latency")) with points lt i - first + 1 notitle, \
				for [i = first:last] "percentiles.dat" index (2 * (i - 1) + side - 1) * 3 + 2 \
					using (column("x")):(column("latency")) with points lt i - first + 1 notitle, \
				for [i = (side == 1 ? first : half + 1):(side == 1 ? half : last)] \
					NaN with linespoints lt i - first + 1 title series_name[i]
			@framed
		}
	}
	@finish
}
