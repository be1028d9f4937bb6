// Who may import whom in the command: each room those before it, and the commands at the end all of them.

using Bptt.Cli.Console;
using Bptt.Tests.Architecture;

namespace Bptt.Cli.Tests.Architecture;

public class CommandRoomsTests
{
    private static readonly RoomTable Rooms = new(
        typeof(ExitCode).Assembly,
        "Bptt.Cli",
        "Console →",
        "Data → Console",
        "Fitting → Console Data",
        "Pictures → Console Data Fitting",
        "Report → Console Data Fitting Pictures",
        "Studio → Console Data Fitting Pictures Report",
        "Commands → Console Data Fitting Pictures Report Studio",
        "Root → Console Data Fitting Pictures Report Studio Commands");

    [Fact]
    public void Rooms_of_the_command_import_only_those_before_them()
    {
        Rooms.ImportCount().Should().BeGreaterThan(100, "otherwise the dependencies were not found");
        Rooms.Breaches().Should().BeEmpty();
    }

    [Fact]
    public void Every_room_of_the_command_is_named_in_the_table() => Rooms.UnknownRooms().Should().BeEmpty();

    [Fact]
    public void Of_the_internals_of_the_library_the_command_uses_the_writing_of_files_alone() =>
        RoomTable.InternalsUsed(typeof(ExitCode).Assembly, typeof(LinearRnn).Assembly)
            .Should().Equal("Bptt.Files.AtomicFile");

    [Fact]
    public void The_table_is_an_order() => Rooms.Circles().Should().BeEmpty();
}
