// Forecasts a monthly series that grows and has a season, with intervals, and goes on when new months are known. Run it
// with
//   dotnet run src/Bptt/samples/forecast.cs
// Beside the package, instead of the project of this repository, it needs `#:package Bptt@*`.

#:project ../Bptt.csproj
#:property IsPackable=false
#:property PublishAot=false

using Bptt.Forecasting;
using MathNet.Numerics.LinearAlgebra;

// Twelve years of sales; the last is held back to compare with.
var random = new Random(3);
var sales = Matrix<double>.Build.Dense(1, 144, (_, t) =>
    (100.0 + t) * (1.0 + 0.2 * Math.Sin(2.0 * Math.PI * t / 12.0)) * Math.Exp(0.03 * (random.NextDouble() - 0.5)));
Matrix<double> known = sales.SubMatrix(0, 1, 0, 132);

var forecaster = Forecaster.Fit(known, options: new ForecasterOptions { Season = 12 });
SeriesForecast forecast = forecaster.Forecast(12, levels: [0.8]);
PredictionInterval interval = forecast.Intervals[0];
double error = 0.0;
for (int month = 0; month < 12; month++)
{
    double measured = sales[0, 132 + month];
    error += Math.Abs(forecast.Values[0, month] / measured - 1.0) / 12.0;
    Console.WriteLine($"month {month + 1,2}: {forecast.Values[0, month],6:F1} "
        + $"({interval.Lower[0, month]:F1} to {interval.Upper[0, month]:F1}), measured {measured:F1}");
}
Console.WriteLine($"mean error below 5 %: {error < 0.05}");

// Half a year later, with the same weights.
Forecaster later = forecaster.Update(sales.SubMatrix(0, 1, 132, 6));
Console.WriteLine($"next, after six more months: {later.Forecast(1).Values[0, 0]:F1}, measured {sales[0, 138]:F1}");
