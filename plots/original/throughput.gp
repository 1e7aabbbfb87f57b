# Redraws throughput.svg and throughput.png from throughput.dat: gnuplot throughput.gp
# First what the results say, then the script.
name = 'throughput'
suite = 'original'
runs = '20 runs a point'
machine = 'AMD EPYC, 2 CPUs; commit 84e01653 (changed); 2026-11-23'
y_high = 16.87888786
array tick_at[6]
array tick_name[6]
tick_at[1] = 0
tick_name[1] = '1x1'
tick_at[2] = 1
tick_name[2] = '2x2'
tick_at[3] = 2
tick_name[3] = '4x4'
tick_at[4] = 3
tick_name[4] = '8x8'
ticks = 4
x_low = -0.5
x_high = 3.5
series = 4
panels = 1
per_panel = 4
joined = 1
y_unit = '1000 operations / s'
array series_name[4]
series_name[1] = '100 items, capacity 10'
series_name[2] = '500 items, capacity 10'
series_name[3] = '100 items, capacity 5'
series_name[4] = '50 items, capacity 20'
longest = 22
left_out = ''
# How many operations a second, against the numbers of producers and consumers.

load "style.gp"

title = "Throughput: ".suite
question = "How many puts and gets a second, as producers and consumers are added?"
bars = "Point: median; bar: slowest and fastest run; ".runs
panel_height = 500
legend = series > 1 ? 80 + 10.6 * (longest < 16 ? 16 : longest) : 30
height = head + foot + panels * panel_height

set ylabel y_unit offset 0.5, 0
set xrange [x_low:x_high]
set yrange [0:y_high]
set key Left reverse samplen 1.5 width 1

do for [format in formats] {
	@start
	do for [panel = 1:panels] {
		first = (panel - 1) * per_panel + 1
		last = panel * per_panel < series ? panel * per_panel : series
		top = head + (panel - 1) * panel_height
		set lmargin at screen along(110)
		set rmargin at screen along(width - legend)
		set tmargin at screen below(top + 15)
		set bmargin at screen below(top + panel_height - 80)
		if (series > 1) {
			set key at screen along(width - legend + 10), screen below(top + 15) left top
		} else {
			unset key
		}
		set xtics ()
		set for [i = 1:ticks] xtics add (tick_name[i] tick_at[i])
		set xlabel "producers x consumers"
		if (joined) {
			plot for [i = first:last] "throughput.dat" index i - 1 \
				using (column("x")):(column("median")):(column("low")):(column("high")) \
				with yerrorlines lt i - first + 1 title series_name[i]
		} else {
			plot for [i = first:last] "throughput.dat" index i - 1 \
				using (column("x")):(column("median")):(column("low")):(column("high")) \
				with yerrorbars lt i - first + 1 title series_name[i]
		}
		@framed
	}
	@finish
}
